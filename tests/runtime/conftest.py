"""A tmux server of the test's own, and scripted agents at work in it."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runtime import agents
from runtime.launch import LaunchPlace, agent_environment
from runtime.tmux import Tmux
from tests.waiting import json_lines, runs, until


class Seat:
    """One scripted agent in its pane."""

    def __init__(self, tmux: Tmux, place: LaunchPlace, worktree: Path) -> None:
        self.tmux, self.place, self.worktree, self.pane = tmux, place, worktree, ""
        self.accepted = asyncio.Event()

    def pushes(self, kind: str | None = None) -> list[dict[str, Any]]:
        return [line for line in json_lines(self.place.pushes) if kind in (None, line["kind"])]

    async def pushed(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait for the push of this kind, or the `count`-th of them, and return it."""
        return (await until(lambda: self.pushes(kind)[count - 1 :]))[0]

    async def shows(self, text: str) -> str:
        """Wait until the screen shows `text` and return the screen."""
        end = time.monotonic() + 30
        while text not in (screen := await self.tmux.capture(self.pane)):
            assert time.monotonic() < end, screen
            await asyncio.sleep(0.01)
        return screen

    async def died(self) -> None:
        """Wait until tmux knows that the pane is dead."""
        end = time.monotonic() + 30
        while not (await self.tmux.panes())[self.place.directory.name].dead:
            assert time.monotonic() < end, "the pane does not die"
            await asyncio.sleep(0.01)

    async def told(self, text: str) -> None:
        assert (await self.tmux.paste(self.pane, text, before=("C-u",), after=("Enter",))).outcome == "pasted"


class Desk:
    """Where agents are seated: a temporary directory with one tmux server."""

    def __init__(self, root: Path) -> None:
        self.root, self.tmux = root, Tmux(root / "tmux")

    async def seat(
        self, script: str = "", *, prompt: str = "", session: str = "s-1", resume: str | None = None,
        waits: bool = True, held_back: bool = False, **env: str,
    ) -> Seat:  # fmt: skip
        """Start a scripted agent as the service does, and wait until it is ready, unless it is held back."""
        place, worktree = LaunchPlace(self.root / "launch" / session), self.root / session
        worktree.mkdir(exist_ok=True)
        (self.root / f"{session}.toml").write_text(script)
        place.open()
        task = agents.Task(
            session=session, prompt=prompt, worktree=worktree, repository=worktree,
            script=self.root / f"{session}.toml", resume=resume,
        )  # fmt: skip
        known = agent_environment(os.environ, session=session, project="demo", issue=7, extra=env)
        place.write(agents.named("scripted").prepare(place, task), worktree=worktree, env=known)
        if not held_back:
            place.let_go()
        seat = Seat(self.tmux, place, worktree)
        seat.pane = await self.tmux.new_session(session, cwd=worktree, argv=place.argv)
        if waits and not held_back:
            await seat.pushed("ready")
        return seat


@pytest.fixture(autouse=True)
def unmeasured(no_cover: None) -> None:
    """Do without coverage, which is measured for the two floors above and makes a test two thirds slower."""


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk(Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp")))
    yield desk
    running = [pane.pid for pane in (await desk.tmux.panes()).values() if not pane.dead]
    await desk.tmux.kill_server()
    desk.tmux.close()
    await until(lambda: not any(map(runs, running)))
    # The last push of an agent that has just ended may still put a file there.
    await until(lambda: shutil.rmtree(desk.root, ignore_errors=True) or not desk.root.exists())
