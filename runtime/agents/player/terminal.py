"""The program's screen: a transcript that scrolls, and one line below it where a message is written."""

import os
import re
import select
import termios
import time

from .keys import Keys

BRACKETED_ON, BRACKETED_OFF = "\x1b[?2004h", "\x1b[?2004l"
DIM, BOLD, PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """Return text that cannot move the cursor or change the terminal."""
    return _CONTROLS.sub("", text.replace("\t", "    "))


class Terminal:
    """Raw keyboard, plain output; `below` is the line under the transcript."""

    def __init__(self) -> None:
        self.below = ""
        self._keys = Keys()
        self._before = termios.tcgetattr(0)
        mode = termios.tcgetattr(0)
        mode[0] &= ~(termios.ICRNL | termios.IXON | termios.BRKINT | termios.INLCR)
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        termios.tcsetattr(0, termios.TCSANOW, mode)
        self._out(BRACKETED_ON)

    def restore(self) -> None:
        """Give the terminal back as it was."""
        self._out(f"\r\x1b[K{BRACKETED_OFF}")
        termios.tcsetattr(0, termios.TCSANOW, self._before)

    def show(self, text: str, *, style: str = "", indent: str = "") -> None:
        """Add to the transcript, above the line being written."""
        lines = "".join(f"{indent}{style}{line}{PLAIN if style else ''}\n" for line in harmless(text).split("\n"))
        self._out(f"\r\x1b[K{lines}{self._visible()}")

    def ask_whether_seen(self) -> None:
        """Ask the terminal to answer in between the keys once it has shown everything (device status report)."""
        self._out("\x1b[6n")

    def refresh(self) -> None:
        """Draw the line below again after it changed."""
        self._out(f"\r\x1b[K{self._visible()}")

    def read(self, until: float | None, also: tuple[int, ...] = ()) -> tuple[list[tuple[str, str]], bool]:
        """Wait for the keyboard, a descriptor of `also` or the time `until`; return keys and whether `also` is ready.

        Raises EOFError when the terminal is gone.
        """
        left = None if until is None else max(0.0, until - time.monotonic())
        ready, _, _ = select.select([0, *also], [], [], 0.03 if self._keys.undecided else left)
        keys = []
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                raise EOFError
            keys = self._keys.feed(data)
        elif self._keys.undecided:
            keys = self._keys.escape()
        return keys, any(other in ready for other in also)

    def _visible(self) -> str:
        """Return what of the line below fits: its beginning and its end."""
        room = os.get_terminal_size(1).columns - 1
        room = room if self.below.isascii() else room // 2
        if len(self.below) <= room:
            return self.below
        end = room // 3
        return f"{self.below[: room - end - 1]}…{self.below[-end:]}"

    def _out(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(1, data) :]
