"""What the agent was really told, for tests that do not believe the service's own word about it."""

import os
import time


class Diary:
    """A file with a line for each prompt taken and for all that a dialog got; without a directory there is none."""

    def __init__(self, directory: str | None, session: str) -> None:
        self._path = None if directory is None else f"{directory}/{session}.jsonl"

    def write(self, what: str, **about: object) -> None:
        """Add a line."""
        if self._path is None:
            return
        import json  # start-up, as in channel.py

        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(
            file, (json.dumps({"what": what, "life": os.getpid(), "at": time.monotonic(), **about}) + "\n").encode()
        )
        os.close(file)
