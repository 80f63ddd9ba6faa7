"""Scripted agents in a tmux server of their own, kept by a real supervisor; only git and GitHub are left out."""

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

from runtime import agents
from runtime.announce import Announcer
from runtime.hands import Hands, Patience
from runtime.look import look
from runtime.project import Limits, Times
from runtime.pushes import Wake
from runtime.store import messages, sessions
from runtime.store.store import Store
from runtime.supervisor import Supervisor
from runtime.tmux import Tmux
from runtime.typing import TypingPolicy
from tests.fakes.bot import a_project
from tests.fakes.hands import FakeWorkspaces
from tests.waiting import json_lines, until

QUICK = Patience(
    probe_every=0.3, after_restart=0.3, when_refused=0.05, people_first=0.2, hang_up=0.2, confirm_key=10.0,
    typing=TypingPolicy(waits=(0.15, 0.4, 0.6, 0.8), echo_within=0.3, ready_within=0.5),
)  # fmt: skip


class Workspaces(FakeWorkspaces):
    """Worktrees that are empty directories."""

    async def open(self, session, gate, *, beside):
        self.worktree(session).mkdir(parents=True, exist_ok=True)
        return "b" * 40, {}, await beside({})

    async def reopen(self, session, gate, **_more):
        return {}, False


class Crowd:
    """So many sessions, and what is known of them."""

    def __init__(self, root, script, count, stories=None, *, patience=QUICK):
        self.root, self.diaries = root, root / "diaries"
        self.diaries.mkdir()
        (root / "script.toml").write_text(script)
        project = a_project(
            script=root / "script.toml",
            env={"AO_DIARY": str(self.diaries)},
            times=Times(death_confirm=0.1),
            limits=Limits(sessions=100),
        )
        self.projects = {"app": project}
        self.store = Store(root / "ao.db", judge=Announcer(self.projects, stories or {}))
        self.tmux, self.pokes = Tmux(root / "tmux"), asyncio.Queue()
        self.workspaces = Workspaces(root / "trees", [])

        async def nothing(_name):
            return None

        self.hands = Hands(
            store=self.store, tmux=self.tmux, workspaces=self.workspaces, agents=agents.named,
            forge=None, projects=self.projects, limits=Limits(sessions=100), launch_root=root / "launch",
            environment={"PATH": os.environ["PATH"]}, open_gate=nothing, close_gate=nothing,
            wake=Wake(self.pokes.put_nowait), clock=time.time, patience=patience,
        )  # fmt: skip
        self.names = [f"app-{number + 1}" for number in range(count)]

    async def claim(self):
        def job(tx):
            for _ in self.names:
                sessions.claim(
                    tx, project="app", prefix="app", repo="octo/app", issue=None, title="t", task="Begin.",
                    agent="scripted", base="main", asked_by="me",
                )  # fmt: skip

        await self.store.write(job)

    def seen(self, name="app-1"):
        return self.store.read(lambda sql: look(sql, name))

    def messages(self):
        return [one for name in self.names for one in self.store.read(lambda sql, n=name: messages.of_session(sql, n))]

    def diary(self, name="app-1"):
        file = self.diaries / f"{name}.jsonl"
        return json_lines(file) if file.exists() else []

    def took(self, name="app-1"):
        """What the agent itself says that it was told, its task left out."""
        told = [line["text"] for line in self.diary(name) if line["what"] == "took"]
        return [text for text in told if not text.startswith(("You are working on", "You were cut off"))]

    def pressed(self, name="app-1"):
        """The keys that dialogs of the agent got."""
        return [line["value"] for line in self.diary(name) if line["what"] == "dialog"]

    async def say(self, text, name="app-1", **more):
        wanted = {"kind": "person", "source_key": f"say:{text}", "author": "me", "parts": {"body": text}, **more}
        return await self.store.write(lambda tx: messages.add(tx, name, **wanted))

    async def turn(self, state, name="app-1"):
        """Wait until the agent's turn is in a state, its first one left out."""

        def so():
            seen = self.seen(name)
            waits_for_task = any(one.kind == "task" for one in seen.waiting)
            return seen.facts.turn is not None and seen.facts.turn.state == state and not waits_for_task

        await until(so)

    async def screens(self):
        panes = await self.tmux.panes()
        return {name: await self.tmux.capture(panes[name].pane_id, lines=20000) for name in self.names if name in panes}


@asynccontextmanager
async def crowd(script, count=1, *others, made=Crowd, stories=None, **more):
    """Let sessions live; `others` are coroutine functions that run beside them and must not end."""
    root = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    here, tasks = made(root, script, count, stories, **more), []
    try:
        await here.claim()
        jobs = [Supervisor(here.hands, here.pokes).run(), *(other(here) for other in others)]
        tasks = [asyncio.create_task(job) for job in jobs]
        yield here
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        here.hands.wake.close()
        await here.tmux.kill_server()
        here.tmux.close()
        here.store.close()
        shutil.rmtree(root, ignore_errors=True)
