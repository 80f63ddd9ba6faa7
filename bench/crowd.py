"""Fifty and a hundred sessions: what they cost while nothing happens, how fast they are listed and adopted."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from bench import processes
from bench.figure import Figure, median
from bench.ground import Ground, ground, ran, until

SESSIONS = 50
MANY = 100
MEMORY = {SESSIONS: 95.0, MANY: 110.0}
ADOPTED = {SESSIONS: 1.5, MANY: 2.5}
IDLE = 60.0
SETTLED = 65.0
"""After the last time that a service which has started asks GitHub for lost deliveries, seconds."""
QUIET = 5.0
HASTY = Path(__file__).with_name("hasty.py")
RESTARTS = 3
LISTINGS = 9
IMPORTS = "import typer, rich.table, http.client"


async def crowd() -> list[Figure]:
    """Start the sessions once, and measure everything that needs them: first with fifty, then with a hundred."""
    async with ground(serve=[sys.executable, str(HASTY)]) as place:
        await _fill(place, SESSIONS)
        figures = [*await _idle(place), await _listing(place)]
        hasty, place.stage.service.argv = place.stage.service.argv, [sys.executable, "-m", "bot", "serve"]
        figures.append(await _adoption(place))
        place.stage.service.argv = hasty
        await _restart(place)
        settled = time.monotonic() + SETTLED
        await _fill(place, MANY)
        await asyncio.sleep(settled - time.monotonic())
        figures += await _idle(place)
        place.stage.service.argv = [sys.executable, "-m", "bot", "serve"]
        return [*figures, await _adoption(place)]


async def _fill(place: Ground, sessions: int) -> None:
    while place.sessions < sessions:
        _, delivery = await place.label_held_back()
        await place.post(delivery)
    await until("all agents are idle", lambda: _answered(place) == sessions, within=240.0, every=0.1)
    await place.silence()


def _answered(place: Ground) -> int:
    return int(place.rows("SELECT count(*) FROM messages WHERE state = 'answered'")[0][0])


async def _idle(place: Ground) -> list[Figure]:
    await _quiet(place)
    service, tmux = place.pid, processes.listening(place.data / "tmux" / "s")
    calls, used, began = len(place.stage.hub.requests), _used(service, tmux), time.monotonic()
    await asyncio.sleep(IDLE)
    share = 100 * (_used(service, tmux) - used) / (time.monotonic() - began)
    resident, proportional = processes.memory(service)
    note, many = f"{place.sessions} sessions, {IDLE:g} s", _many(place)
    return [
        Figure(f"idle cpu{many}", share, "% of a core", 1.0, note=f"{note}: service, its children, tmux"),
        Figure(f"idle memory{many}", resident, "MB", MEMORY[place.sessions], note=f"RSS; PSS {proportional:.0f} MB"),
        Figure(f"idle calls{many}", len(place.stage.hub.requests) - calls, "", 0, note=note),
    ]


def _many(place: Ground) -> str:
    """Return what tells the rows of a hundred sessions from those of fifty."""
    return f", {place.sessions}" if place.sessions > SESSIONS else ""


async def _quiet(place: Ground) -> None:
    """Wait until nothing that the start of a session has caused goes on any more."""
    known, since = 0, time.monotonic()
    while time.monotonic() - since < QUIET:
        if (count := len(place.stage.hub.requests)) != known:
            known, since = count, time.monotonic()
        await asyncio.sleep(0.1)


def _used(service: int, tmux: int) -> float:
    alive = sum(processes.cpu_seconds(pid) for pid in processes.children(service))
    return processes.cpu_seconds(service) + processes.cpu_seconds(tmux) + alive


async def _listing(place: Ground) -> Figure:
    ao = [sys.executable, "-m", "bot", "session", "ls"]
    environment = {**os.environ, "AO_DATA_DIR": str(place.data)}
    ours, bare = [], []
    for _ in range(LISTINGS):
        bare.append(await ran(sys.executable, "-c", IMPORTS, cwd=place.home))
        ours.append(await ran(*ao, cwd=place.home, env=environment))
    note = f"{SESSIONS} sessions, against `{IMPORTS}`"
    return Figure("session ls", median(ours) * 1e3, "ms", 1.5, floor=median(bare) * 1e3, note=note)


async def _adoption(place: Ground) -> Figure:
    took = [await _restart(place) for _ in range(RESTARTS)]
    note = f"{place.sessions} sessions adopted, from the start of the process, median of {RESTARTS}"
    return Figure(f"restart{_many(place)}", median(took), "s", ADOPTED[place.sessions], note=note)


async def _restart(place: Ground) -> float:
    service = place.stage.service
    os.kill(place.pid, signal.SIGKILL)
    await service.ended()
    read = service.log.stat().st_size
    began = time.monotonic()
    await service.start()
    await until("all are adopted", lambda: _adopted(service.log, read) == place.sessions)
    took = time.monotonic() - began
    await service.ready()
    return took


def _adopted(log: Path, start: int) -> int:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().count(b"adopted")
