"""What agents and their wrapper push: typed, read tolerantly (an agent can write anything), and turned into facts."""

import asyncio
import contextlib
import logging
import os
import re
import stat
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from runtime.fact import Fact
from runtime.facts import Process, Turn
from runtime.said import AgentInfo

log = logging.getLogger(__name__)

MAX_LINE = 1 << 20
MAX_READ = 4 << 20
SHORT_READ = 16 << 10
"""What is read at once of short lines: some hundreds, which one commit can take in without keeping others waiting."""
AHEAD = 5.0
BEHIND = 30 * 86400.0
_BEGINS = re.compile(rb'\{"(?:kind|at)"')
_MOST_BEGINS = 4


class Push(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One line of the push file; `at` is the agent's clock, made sane by the reader."""

    at: float = 0.0


class Started(Push, frozen=True, kw_only=True, tag="started"):
    """The wrapper is about to become the agent; 0 ticks where the kernel does not tell when the process began."""

    run: str = ""
    pid: int | None = None
    boot: str = ""
    ticks: int = 0


class Ready(Push, frozen=True, kw_only=True, tag="ready"):
    """The agent has started and waits for its first prompt; `own` is the id of its own session, if it says one."""

    own: str = ""


class Prompt(Push, frozen=True, kw_only=True, tag="prompt"):
    """The agent has accepted a prompt: a turn begins."""

    text: str = ""


class TurnEnded(Push, frozen=True, kw_only=True, tag="turn_ended"):
    """The agent has finished its turn."""

    last_message: str = ""


class Waiting(Push, frozen=True, kw_only=True, tag="waiting"):
    """The agent shows a dialog and waits for a person's decision."""

    question: str = ""
    choices: tuple[str, ...] = ()


class Resumed(Push, frozen=True, kw_only=True, tag="resumed"):
    """The decision was made; the turn goes on. Empty: whatever was asked."""

    question: str = ""


class Blocked(Push, frozen=True, kw_only=True, tag="blocked"):
    """The turn ended with an error of the agent's own service."""

    error: str = ""


class Exited(Push, frozen=True, kw_only=True, tag="exited"):
    """The agent's process has ended, by itself or by a signal."""

    run: str = ""
    code: int | None = None
    signal: int | None = None


class Hook(Push, frozen=True, kw_only=True, tag="hook"):
    """A raw hook of a real agent; its adapter says what it means."""

    hook: dict[str, Any] = {}


class Reported(Push, frozen=True, kw_only=True, tag="report"):
    """The agent reports what it is doing."""

    id: str = ""
    state: str = ""
    note: str = ""


class Acknowledge(Push, frozen=True, kw_only=True, tag="acknowledge"):
    """The agent confirms that it has its task."""

    id: str = ""


class OwnId(Push, frozen=True, kw_only=True, tag="own_id"):
    """The id by which the agent itself knows its session, as a hook of it said."""

    session_id: str = ""


_Any = Started | Ready | Prompt | TurnEnded | Waiting | Resumed | Blocked | Exited | Hook | Reported | Acknowledge
# Shell writes numbers as strings, so the decoding is lenient.
_decoder: msgspec.json.Decoder[Push] = msgspec.json.Decoder(_Any, strict=False)


def read(path: Path, offset: int, *, now: float) -> tuple[list[Push], int]:
    """Return the whole lines after `offset` and where the next reading starts; call again until that stays the same.

    Never raises on what an agent can do to the file: bad or overlong lines are skipped and logged, and a file that
    became shorter, a link or a pipe gives nothing.
    """
    data, size = _tail(path, offset, SHORT_READ)
    if len(data) == SHORT_READ and b"\n" not in data:
        data, size = _tail(path, offset, MAX_READ)
    if size < offset:
        log.warning("push file became shorter", extra={"push_file": str(path), "offset": offset, "size": size})
        return [], max(size, 0)
    end = data.rfind(b"\n") + 1
    if not end:
        return [], offset + (len(data) if len(data) > MAX_LINE else 0)
    return _decoded(data[:end].split(b"\n"), path, now), offset + end


def to_facts(push: Push, turn_before: int) -> list[Fact]:
    """Return the facts that a push states; `turn_before` is the number of the session's last turn."""
    match push:
        case Started():
            began = push.ticks or None
            return [Process(at=push.at, state="running", run=push.run, pid=push.pid, boot=push.boot, ticks=began)]
        case Exited():
            return [Process(at=push.at, state="exited", run=push.run, exit_code=push.code, signal=push.signal)]
        case Ready():
            known = [AgentInfo(at=push.at, native_id=push.own)] if push.own else []
            return [Turn(at=push.at, state="ready", number=turn_before), *known]
        case Prompt():
            return [Turn(at=push.at, state="active", number=turn_before + 1)]
        case TurnEnded():
            return [Turn(at=push.at, state="ready", number=turn_before, last_message=push.last_message)]
        case Waiting():
            return [Turn(at=push.at, state="waiting", number=turn_before, question=push.question, choices=push.choices)]
        case Resumed():
            return [Turn(at=push.at, state="active", number=turn_before)]
        case Blocked():
            return [Turn(at=push.at, state="blocked", number=turn_before, last_message=push.error)]
        case _:
            return []


class Wake:
    """Calls back on the event loop when a session's FIFO is poked; costs nothing while nothing happens."""

    def __init__(self, on_wake: Callable[[str], None]) -> None:
        self._on_wake = on_wake
        self._open: dict[str, int] = {}

    def watch(self, session: str, path: Path) -> bool:
        """Listen to a session's FIFO, again after it was replaced; False if it is not one."""
        self.unwatch(session)
        # Opened for writing too: a FIFO without a writer would be readable for ever.
        try:
            fifo = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            log.warning("wake-up FIFO cannot be opened", extra={"session": session})
            return False
        if not stat.S_ISFIFO(os.fstat(fifo).st_mode):
            os.close(fifo)
            return False
        self._open[session] = fifo
        asyncio.get_running_loop().add_reader(fifo, self._poked, session, fifo)
        return True

    def unwatch(self, session: str) -> None:
        """Stop listening; nothing happens if nobody listened."""
        fifo = self._open.pop(session, None)
        if fifo is not None:
            asyncio.get_running_loop().remove_reader(fifo)
            os.close(fifo)

    def close(self) -> None:
        """Stop listening to all."""
        for session in list(self._open):
            self.unwatch(session)

    def _poked(self, session: str, fifo: int) -> None:
        os.read(fifo, 65536)
        self._on_wake(session)


def _tail(path: Path, offset: int, most: int) -> tuple[bytes, int]:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return b"", offset
    except OSError:
        log.warning("push file cannot be opened", extra={"push_file": str(path)})
        return b"", offset
    try:
        known = os.fstat(file)
        if not stat.S_ISREG(known.st_mode):
            log.warning("push file is not a file", extra={"push_file": str(path)})
            return b"", offset
        return os.pread(file, min(most, max(0, known.st_size - offset)), offset), known.st_size
    finally:
        os.close(file)


def _decoded(lines: Sequence[bytes], path: Path, now: float) -> list[Push]:
    """Return what can be read; what cannot is logged once, or an agent would fill the log."""
    found, bad = [], []
    for line in filter(None, lines):
        try:
            found.append(_decode(line, now))
        except (ValueError, RecursionError) as error:
            bad.append(str(error)[:200])
    if bad:
        log.warning("pushes skipped", extra={"push_file": str(path), "count": len(bad), "reason": bad[0]})
    return found


def _decode(line: bytes, now: float) -> Push:
    push = _whole(line) if len(line) <= MAX_LINE else _decoder.decode(b"")
    sane = now - BEHIND <= push.at <= now + AHEAD
    return push if sane else msgspec.structs.replace(push, at=now)


def _whole(line: bytes) -> Push:
    """Read a push, also one behind the beginning of another that a full disk has cut off."""
    starts = (found.start() for found in islice(_BEGINS.finditer(line), _MOST_BEGINS))
    for start in starts:
        with contextlib.suppress(msgspec.MsgspecError, RecursionError):
            return _decoder.decode(line[start:])
    return _decoder.decode(line)
