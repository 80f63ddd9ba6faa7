"""How the program tells the service what it is doing: one line into the push file, then a poke."""

import os
import time


class Channel:
    """The push file and FIFO of the launch directory; without one it tells nobody."""

    def __init__(self, directory: str | None) -> None:
        self._directory = directory

    def push(self, kind: str, **fields: object) -> None:
        """Append one push in a single write, then wake the service if it is there."""
        if self._directory is None:
            return
        line = f'{{"kind": "{kind}", "at": {time.time()}{_rest(fields)}}}\n'
        self._write("pushes.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, line.encode())
        self._write("wake", os.O_RDWR | os.O_NONBLOCK, b".")

    def _write(self, name: str, flags: int, data: bytes) -> None:
        try:
            file = os.open(f"{self._directory}/{name}", flags, 0o600)
        except OSError:
            return
        try:
            os.write(file, data)
        except OSError:
            return
        finally:
            os.close(file)


def _rest(fields: dict[str, object]) -> str:
    if all(isinstance(value, str) and value.isalnum() for value in fields.values()):
        return "".join(f', "{name}": "{value}"' for name, value in fields.items())
    import json  # half of the start-up: the first push, `ready`, does without

    return ", " + json.dumps(fields)[1:-1]
