"""The agent itself: its composer, its queue of prompts, its turns and its misbehaviour."""

import os
import time
from collections import deque
from contextlib import suppress

from .channel import Channel
from .diary import Diary
from .terminal import BOLD, DIM, Terminal, harmless

SIGN = "> "
QUEUED = "(queued) "
GO_ON = "Allow me to go on?"
SHOWN_LINES = 30
SHOWN = 300
TIMED = ("dialog_in", "shell_in")


class Interrupted(Exception):
    """A person pressed Escape or C-c during a turn."""


class Agent:
    """State of the running program; everything happens on one thread, in `attend`."""

    def __init__(self, terminal: Terminal, channel: Channel, speed: float, diary: Diary) -> None:
        self.terminal, self.channel, self.speed, self.diary = terminal, channel, speed, diary
        self.waiting: deque[str] = deque()
        self.misbehave: dict[str, float] = {}
        self.dialog: str | None = None
        self.choices: tuple[str, ...] = ()
        self.answer: int | None = None
        self.busy = False
        self._draft = ""
        self._leaving = 0.0
        self._seen_at: float | None = None
        self._draw()

    def attend(self, seconds: float | None = None, also: int | None = None) -> bool:
        """Serve the keyboard until `also` is readable (True) or the time is over, once for None."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            keys, ready = self.terminal.read(until, () if also is None else (also,))
            if any(kind != "seen" for kind, _ in keys):
                self._late()
            for kind, value in keys:
                self._take(kind, value)
            if ready:
                return True
            if until is None or time.monotonic() >= until:
                return False

    def idle(self) -> str | None:
        """Wait for the keyboard; return the misbehaviour that was due at this time, if one was."""
        due, name = min(((self.misbehave[name], name) for name in TIMED if name in self.misbehave), default=(None, ""))
        if due is None:
            self.attend()
            return None
        self.attend(max(0.0, due - time.monotonic()))
        if self.waiting or time.monotonic() < due:
            return None
        del self.misbehave[name]
        return name

    def told(self, text: str) -> None:
        """Show a prompt in the transcript and report that it was accepted."""
        self.diary.write("took", text=text)
        self.channel.push("prompt", text=text)
        lines = text.split("\n")
        self.terminal.show("")
        for number, line in enumerate(lines[:SHOWN_LINES]):
            self.terminal.show(("> " if number == 0 else "  ") + line, style=BOLD)
        if len(lines) > SHOWN_LINES:
            self.terminal.show(f"  … and {len(lines) - SHOWN_LINES} more lines", style=DIM)

    def interrupted(self, prompt: str) -> None:
        """Some agents put the prompt back into the composer when nothing has come of it yet."""
        if self._used("restore_prompt"):
            self._draft = prompt
            self._draw()

    def ask(self, question: str, choices: tuple[str, ...] = ()) -> int:
        """Show a dialog and wait for its answer: 0 for no, else the number of the choice.

        Whatever is typed meanwhile goes to the dialog.
        """
        self.dialog, self.answer, self.choices, self._seen_at = question, None, choices, None
        self.channel.push("waiting", question=question, **({"choices": choices} if choices else {}))
        listed = "".join(f"\n  {number}: {choice}" for number, choice in enumerate(choices, 1))
        self.terminal.show(f"? {question}{listed}\n  Enter or y: yes   n or Escape: no", style=BOLD)
        self._draw()
        self.terminal.ask_whether_seen()
        while (answer := self._answered()) is None:
            self.attend()
        self.dialog = None
        self.terminal.show(
            f"  {choices[answer - 1]}" if answer and choices else "  yes" if answer else "  no", style=DIM
        )
        self.channel.push("resumed")
        if not self.busy:
            self.channel.push("ready")
        self._draw()
        return answer

    def leave(self, code: int) -> None:
        """End the program with this exit code."""
        with suppress(OSError):
            self.terminal.restore()
        os._exit(code)

    def _take(self, kind: str, value: str) -> None:
        if kind == "seen":
            self._seen_at = time.monotonic()
        elif self._deaf(kind):
            return
        elif self.dialog is not None:
            self._answer(kind, value)
        elif kind == "key":
            self._key(value)
        else:
            if kind == "paste" and self._used("die_after_paste"):
                self.leave(1)
            if kind == "paste" and self._used("dialog_before_paste"):
                self.diary.write("swallowed", text=value)
                self.ask(GO_ON)
                return
            self._draft += value
            self._draw()

    def _answered(self) -> int | None:
        return self.answer

    def _answer(self, kind: str, value: str) -> None:
        age = None if self._seen_at is None else time.monotonic() - self._seen_at
        self.diary.write("dialog", kind=kind, value=value, age=age)
        # Like the real ones: a paste is swallowed, and Enter takes the preselected "yes".
        if kind == "paste":
            return
        if value in ("Enter", "y", "n", "Escape"):
            self.answer = int(value in ("Enter", "y"))
        elif value.isdecimal() and 1 <= int(value) <= len(self.choices):
            self.answer = int(value)

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
        draft = self._draft if len(self._draft) < 2 * SHOWN else f"{self._draft[:SHOWN]}…{self._draft[-SHOWN:]}"
        queued = QUEUED * bool(self.waiting and self.busy)
        self.terminal.below = f"{queued}{SIGN}{harmless(draft.replace(chr(10), ' '))}"
        self.terminal.refresh()
