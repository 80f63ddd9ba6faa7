"""Ask the service over the session's socket: one line of JSON there, one line back."""

import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

WAITING = "ao: the orchestrator is not answering (a restart?); waiting up to {wait:.0f} s for it"
GONE = "ao: the orchestrator did not answer within {wait:.0f} s. Nothing was done; run the same command again later."
SILENT = "ao: no answer after {longest:.0f} s. Check the result before you run the same command again."

_LONGEST_ANSWER = 900.0
_PAUSE = 0.2


@dataclass(frozen=True)
class Answer:
    """What the service said: a text for the terminal and the exit code that goes with it."""

    ok: bool
    text: str
    exit: int
    away: bool = False
    """There was nobody to ask."""


@dataclass(frozen=True)
class Door:
    """The socket of this session's gate."""

    path: str
    wait: float

    def ask(self, **request: Any) -> Answer:
        """Return the service's answer, however often the connection breaks.

        A repeated request has the same id, by which the service knows that it is the same one.
        """
        line = json.dumps({"id": os.urandom(16).hex(), **request}).encode() + b"\n"
        lost_at: float | None = None
        while True:
            try:
                return self._once(line)
            except TimeoutError:
                return Answer(False, SILENT.format(longest=_LONGEST_ANSWER), 1)
            except (OSError, EOFError):
                lost_at = self._lost(lost_at)
            if time.monotonic() > lost_at + self.wait:
                return Answer(False, GONE.format(wait=self.wait), 1, away=True)
            time.sleep(_PAUSE)

    def _once(self, line: bytes) -> Answer:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_LONGEST_ANSWER)
            connection.connect(self.path)
            connection.sendall(line)
            answer = connection.makefile("rb").readline()
        if not answer.endswith(b"\n"):
            raise EOFError
        said = json.loads(answer)
        return Answer(said["ok"], said["text"], said["exit"])

    def _lost(self, lost_at: float | None) -> float:
        """Say once that the service is away, and return since when it is."""
        if lost_at is not None:
            return lost_at
        print(WAITING.format(wait=self.wait), file=sys.stderr, flush=True)
        return time.monotonic()


def show(answer: Answer) -> int:
    """Print an answer where its kind belongs and return its exit code."""
    if answer.text:
        print(answer.text, file=sys.stdout if answer.ok else sys.stderr)
    return answer.exit
