"""What an agent has started and what outlives its terminal: found by its descent and its environment, then ended.

A process is known by its number and the time it started: a number alone may have been given again.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_LOOK_AGAIN = 0.02
_KILLED_WITHIN = 2.0


class Known(msgspec.Struct, frozen=True):
    """One process; `started` is in the kernel's own units, the same for as long as the machine runs."""

    pid: int
    started: str


class _Seen(msgspec.Struct, frozen=True):
    known: Known
    parent: int


def family(launch: Path) -> frozenset[Known]:
    """Return what was started from a launch directory, with its descendants; also what has detached itself.

    Where there is no /proc, nothing is found.
    """
    seen = {one.known.pid: one for one in _processes()}
    found = {pid for pid in seen if _belongs(pid, launch)}
    growing = True
    while growing:
        below = {pid for pid, one in seen.items() if one.parent in found} - found
        found |= below
        growing = bool(below)
    return frozenset(seen[pid].known for pid in found - {os.getpid()})


def lives(known: Known) -> bool:
    """Tell whether this very process still runs."""
    now = _stat(known.pid)
    return now is not None and now.known == known


async def end_all(known: Iterable[Known], *, grace: float, insists: bool = True) -> list[int]:
    """Wait for processes to end by themselves, then end those that do not, unless told not to insist; return those."""
    left = await _outlasting(known, grace)
    if not insists:
        return sorted(one.pid for one in left)
    for one in left:
        _send(one, signal.SIGKILL)
    await _outlasting(left, _KILLED_WITHIN)
    return sorted(one.pid for one in left)


async def _outlasting(known: Iterable[Known], seconds: float) -> list[Known]:
    loop = asyncio.get_running_loop()
    until, left = loop.time() + seconds, list(known)
    # Polled because the kernel tells of an end only to the parent.
    while (left := [one for one in left if lives(one)]) and loop.time() < until:  # noqa: ASYNC110 - as above
        await asyncio.sleep(_LOOK_AGAIN)
    return left


def _send(known: Known, number: int) -> None:
    if lives(known):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(known.pid, number)


def _processes() -> list[_Seen]:
    with contextlib.suppress(OSError):
        pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]
        return [one for one in map(_stat, pids) if one is not None]
    return []


def _stat(pid: int) -> _Seen | None:
    """Read one process; None when it is gone, or is gone but for its exit code.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name in parentheses may hold anything.
    """
    try:
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] in "ZX" else _Seen(Known(pid, fields[19]), int(fields[1]))


def _belongs(pid: int, launch: Path) -> bool:
    """Tell whether a process is the wrapper of a session's pane, or carries its environment."""
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        command = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"AO_LAUNCH={launch}".encode() in environment or f"{launch}/run.sh".encode() in command[:2]
