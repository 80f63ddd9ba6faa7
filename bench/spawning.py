"""From a label to an agent that runs in its worktree, against git and tmux alone on the same repository."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench import processes
from bench.figure import Figure, median
from bench.ground import PREFIX, PROJECT, Ground, ground, ran, until
from bot.demo.stage import REPO

FILES = 5000
ROUNDS = 12


def files() -> dict[str, str]:
    """Return the files of a repository of ordinary size."""
    return {
        f"part{number // 100:02}/module{number % 100:02}.py": f'"""Module {number}."""\n\nVALUE = {number}\n' * 8
        for number in range(FILES)
    }


async def spawn(rounds: int = ROUNDS) -> list[Figure]:
    """Label issues and add bare worktrees in turns; nothing is deleted in between."""
    async with ground(files=files()) as place:
        ours: list[float] = []
        bare: list[float] = []
        async with Floor.of(place) as floor:
            await place.session()
            await floor.once()
            for _ in range(rounds):
                await place.silence()
                bare.append(await floor.once())
                ours.append(await labelled(place))
    note = f"{FILES} files, medians of {rounds}; slowest {max(ours) * 1e3:.0f}, floor's {max(bare) * 1e3:.0f} ms"
    return [Figure("spawn", median(ours) * 1e3, "ms", 1.25, floor=median(bare) * 1e3, note=note)]


async def labelled(place: Ground) -> float:
    """Return the seconds from the label's delivery until the agent's process is in its worktree."""
    _, delivery = await place.label_held_back()
    name = f"{PREFIX}-{place.sessions}"
    pushes = place.data / "launch" / name / "pushes.jsonl"
    worktree = place.data / "worktrees" / PROJECT / name
    began = await place.post(delivery)

    def at_work() -> float | None:
        return time.monotonic() if any(processes.working_in(worktree, pid) for pid in _started(pushes)) else None

    ended = await until(f"the agent of {name} runs", at_work, every=0.001)
    await until(f"{name} is idle", lambda: place.ready(name) or None)
    return ended - began


def _started(pushes: Path) -> list[int]:
    try:
        lines = pushes.read_text().splitlines()
    except OSError:
        return []
    return [int(push["pid"]) for push in map(json.loads, lines) if push["kind"] == "started"]


class Floor:
    """A clone and a tmux server of its own, with nothing around them."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._socket = repository.with_name("tmux")
        self._count = 0

    @classmethod
    @asynccontextmanager
    async def of(cls, place: Ground) -> AsyncIterator["Floor"]:
        """Clone what the service has cloned; at the end, end the tmux server with what runs in it."""
        repository = place.home / "floor" / "bare.git"
        repository.parent.mkdir()
        source = place.stage.hub.world.repository(REPO).path
        await ran("git", "clone", "-q", "--bare", "--no-hardlinks", source, repository)
        floor = cls(repository)
        try:
            yield floor
        finally:
            if floor._socket.exists():
                await ran("tmux", "-S", floor._socket, "kill-server")

    async def once(self) -> float:
        """Add a worktree and start a program in it; return the seconds."""
        self._count += 1
        name = f"floor-{self._count}"
        path = self._repository.parent / name
        added = await ran("git", "worktree", "add", "-q", "-b", name, path, "main", cwd=self._repository)
        program = ("new-session", "-d", "-s", name, "-c", path, "sleep", "3600")
        return added + await ran("tmux", "-S", self._socket, "-f", "/dev/null", *program)

    async def ahead(self) -> Path:
        """Add a worktree that is on no branch, and return it."""
        self._count += 1
        path = self._repository.parent / f"ahead-{self._count}"
        await ran("git", "worktree", "add", "-q", "--detach", path, "main", cwd=self._repository)
        return path

    async def name(self, path: Path) -> float:
        """Make a branch for a worktree and start a program in it; return the seconds."""
        branch = f"refs/heads/{path.name}"
        made = await ran("git", "update-ref", branch, "refs/heads/main", cwd=path)
        named = await ran("git", "symbolic-ref", "HEAD", branch, cwd=path)
        program = ("new-session", "-d", "-s", path.name, "-c", path, "sleep", "3600")
        return made + named + await ran("tmux", "-S", self._socket, "-f", "/dev/null", *program)
