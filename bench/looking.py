"""What it costs to look: `ao status` among a hundred sessions, and `ao session ls` over a thousand that have ended."""

import os
import shlex
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from bench.crowd import HASTY, IMPORTS
from bench.figure import Figure, median
from bench.ground import Ground, ground, ran, until
from bench.rooms import room

LIVE, ENDED, FEW = 100, 1000, 10
ROUNDS = 15
_ENDED_ONES = """
INSERT INTO sessions ({columns}) SELECT {values} FROM sessions WHERE id = :of;
INSERT INTO facts SELECT :id, kind, subject, value, source, at FROM facts WHERE session_id = :of;
INSERT INTO facts VALUES (:id, 'cleaned', '', '{{"at": 1.0, "preserved": ""}}', 'service', 1.0);
INSERT INTO steps SELECT :id, name, data, done_at FROM steps WHERE session_id = :of;
"""


async def looking() -> list[Figure]:
    """Look at a hundred sessions, and at them among a thousand that have ended, in turns with the floors."""
    with _counted_tmux(room()) as calls:
        async with _crowd(FEW) as small, _crowd(LIVE) as large:
            status = await _status(large, calls)
            _add_ended(large)
            return [*status, await _listing(small, large)]


@asynccontextmanager
async def _crowd(sessions: int) -> AsyncIterator[Ground]:
    """A service with so many sessions whose first turn is over."""
    async with ground(serve=[sys.executable, str(HASTY)]) as place:
        for _ in range(sessions):
            _, delivery = await place.label_held_back()
            await place.post(delivery)
        answered = "SELECT count(*) FROM messages WHERE state = 'answered'"
        await until("all agents are idle", lambda: place.rows(answered)[0][0] == sessions, within=600.0, every=0.1)
        await place.silence()
        yield place


async def _status(place: Ground, calls: "_Calls") -> list[Figure]:
    ours, bare, commands = [], [], []
    asked = len(place.stage.hub.requests)
    for _ in range(ROUNDS):
        bare.append(await ran(sys.executable, "-c", IMPORTS, cwd=place.home))
        before = calls.count()
        ours.append(await _look(place, "status"))
        commands.append(calls.count() - before)
    note = f"{LIVE} sessions, medians of {ROUNDS}"
    return [
        Figure("status", median(ours) * 1e3, "ms", 1.5, floor=median(bare) * 1e3, note=f"{note}, against `{IMPORTS}`"),
        Figure("status, tmux", median(commands), "commands", 3, note=f"{note}; looks of the service itself included"),
        Figure("status, GitHub", len(place.stage.hub.requests) - asked, "calls", 0, note=f"in all {ROUNDS} runs"),
    ]


async def _listing(small: Ground, large: Ground) -> Figure:
    few, many = [], []
    for _ in range(ROUNDS):
        few.append(await _look(small, "session", "ls"))
        many.append(await _look(large, "session", "ls"))
    note = f"{ENDED:,} ended and {LIVE} live sessions, against {FEW}"
    return Figure("session ls", median(many) * 1e3, "ms", 1.2, floor=median(few) * 1e3, note=note)


async def _look(place: Ground, *command: str) -> float:
    environment = {**os.environ, "AO_DATA_DIR": str(place.data)}
    return await ran(sys.executable, "-m", "bot", *command, cwd=place.home, env=environment)


def _add_ended(place: Ground) -> None:
    """Store sessions that have ended and are cleaned up, each with all that is known of a live one."""
    with closing(sqlite3.connect(place.data / "ao.db", timeout=30)) as store, store:
        names = [row[1] for row in store.execute("PRAGMA table_info(sessions)")]
        of, changed = f"nam-{LIVE}", {"id": ":id", "number": ":number", "live": "0", "issue": "NULL", "ended_at": "1.0"}
        values = ", ".join(changed.get(name, name) for name in names)
        statements = _ENDED_ONES.format(columns=", ".join(names), values=values).strip().split(";\n")
        for number in range(10_000, 10_000 + ENDED):
            for statement in statements:
                store.execute(statement.rstrip(";"), {"of": of, "id": f"nam-{number}", "number": number})


@contextmanager
def _counted_tmux(directory: Path) -> Iterator["_Calls"]:
    """Let the services that start now use a tmux whose calls are counted."""
    before = os.environ["PATH"]
    calls = _Calls(directory)
    os.environ["PATH"] = f"{directory}{os.pathsep}{before}"
    try:
        yield calls
    finally:
        os.environ["PATH"] = before


class _Calls:
    """A `tmux` that notes each of its calls before it becomes the real one."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "calls"
        self._log.touch()
        program = directory / "tmux"
        real = shlex.quote(shutil.which("tmux") or "tmux")
        program.write_text(f'#!/bin/sh\necho >> {shlex.quote(str(self._log))}\nexec {real} "$@"\n')
        program.chmod(0o755)

    def count(self) -> int:
        return self._log.stat().st_size
