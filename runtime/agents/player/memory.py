"""What the agent remembers of its own session, so that it can go on with it after it has ended."""

import os

from .script import Script


class Memory:
    """A file in the agent's home, named by the session's own id: the rules that were played, one a line."""

    def __init__(self, directory: str | None, own: str = "") -> None:
        self.own = own or os.urandom(8).hex()
        self._path = None if directory is None else f"{directory}/own-{self.own}"

    def recall(self, script: Script) -> bool:
        """Let the script go on where it was; False when nothing is known of this session."""
        try:
            with open(self._path or "", encoding="ascii") as file:  # noqa: PTH123  # start-up, as in script.py
                played = file.read().split()
        except OSError:
            return False
        for number in played:
            script.used(int(number))
        return True

    def begin(self) -> None:
        """Make the file, so that the session is known."""
        self._write("")

    def remember(self, script: Script) -> None:
        """Note what was played last."""
        self._write(f"{script.last}\n")

    def _write(self, text: str) -> None:
        if self._path is None:
            return
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, text.encode())
        os.close(file)
