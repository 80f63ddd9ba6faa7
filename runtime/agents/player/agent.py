"""The agent itself: its composer, its queue of prompts, its turns and its misbehaviour."""

import os
import time
from collections import deque
from contextlib import suppress

from .channel import Channel
from .terminal import BOLD, DIM, Terminal, harmless

SIGN = "> "
QUEUED = "(queued) "
SHOWN_LINES = 30


class Interrupted(Exception):
    """A person pressed Escape or C-c during a turn."""


class Agent:
    """State of the running program; everything happens on one thread, in `attend`."""

    def __init__(self, terminal: Terminal, channel: Channel, speed: float) -> None:
        self.terminal, self.channel, self.speed = terminal, channel, speed
        self.waiting: deque[str] = deque()
        self.misbehave: dict[str, float] = {}
        self.dialog: str | None = None
        self.answer: bool | None = None
        self.busy = False
        self._draft = ""
        self._leaving = 0.0
        self._draw()

    def attend(self, seconds: float | None = None, also: int | None = None) -> bool:
        """Serve the keyboard until `also` is readable (True) or the time is over, once for None."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            keys, ready = self.terminal.read(until, () if also is None else (also,))
            if keys:
                self._late()
            for kind, value in keys:
                self._take(kind, value)
            if ready:
                return True
            if until is None or time.monotonic() >= until:
                return False

    def told(self, text: str) -> None:
        """Show a prompt in the transcript and report that it was accepted."""
        self.channel.push("prompt", text=text)
        lines = text.split("\n")
        self.terminal.show("")
        for number, line in enumerate(lines[:SHOWN_LINES]):
            self.terminal.show(("> " if number == 0 else "  ") + line, style=BOLD)
        if len(lines) > SHOWN_LINES:
            self.terminal.show(f"  … and {len(lines) - SHOWN_LINES} more lines", style=DIM)

    def ask(self, question: str) -> bool:
        """Show a dialog and wait for its answer; whatever is typed meanwhile goes to the dialog."""
        self.dialog, self.answer = question, None
        self.terminal.show(f"? {question}\n  Enter or y: yes   n or Escape: no", style=BOLD)
        self.channel.push("waiting", question=question)
        self._draw()
        while (answer := self._answered()) is None:
            self.attend()
        self.dialog = None
        self.terminal.show("  yes" if answer else "  no", style=DIM)
        self.channel.push("resumed")
        self._draw()
        return answer

    def leave(self, code: int) -> None:
        """End the program with this exit code."""
        with suppress(OSError):
            self.terminal.restore()
        os._exit(code)

    def _take(self, kind: str, value: str) -> None:
        if self._deaf(kind):
            return
        if self.dialog is not None:
            self._answer(kind, value)
        elif kind == "key":
            self._key(value)
        else:
            if kind == "paste" and self._used("die_after_paste"):
                self.leave(1)
            if kind == "paste" and self._used("dialog_before_paste"):
                self.ask("Allow me to go on?")
                return
            self._draft += value
            self._draw()

    def _answered(self) -> bool | None:
        return self.answer

    def _answer(self, kind: str, value: str) -> None:
        # Like the real ones: a paste is swallowed, and Enter takes the preselected "yes".
        if kind != "paste" and value in ("Enter", "y", "n", "Escape"):
            self.answer = value in ("Enter", "y")

    def _key(self, key: str) -> None:
        if key == "Enter" and self._draft and not self._used("swallow_enter"):
            self.waiting.append(self._draft)
            self._draft = ""
        elif key == "C-u":
            self._draft = ""
        elif key == "Backspace":
            self._draft = self._draft[:-1]
        elif key in ("C-c", "Escape"):
            self._stop(key)
        self._draw()

    def _stop(self, key: str) -> None:
        if self.busy:
            raise Interrupted
        if key == "C-c" and not self._draft:
            if time.monotonic() - self._leaving < 2:
                self.leave(0)
            self._leaving = time.monotonic()
            self.terminal.show("Press C-c again to leave.", style=DIM)
        self._draft = ""

    def _deaf(self, kind: str) -> bool:
        if time.monotonic() < self.misbehave.get("deaf_until", 0.0):
            return True
        return kind == "paste" and self.dialog is None and self._used("deaf_messages")

    def _late(self) -> None:
        seconds = self.misbehave.pop("echo_late", 0.0)
        if seconds:
            time.sleep(seconds)

    def _used(self, name: str) -> bool:
        left = self.misbehave.get(name, 0)
        if left > 0:
            self.misbehave[name] = left - 1
        return left > 0

    def _draw(self) -> None:
        first, _, rest = self._draft.partition("\n")
        more = f" [+{rest.count(chr(10)) + 1} lines]" if rest else ""
        queued = QUEUED * bool(self.waiting and self.busy)
        self.terminal.below = f"{queued}{SIGN}{harmless(first[:300])}{more}"
        self.terminal.refresh()
