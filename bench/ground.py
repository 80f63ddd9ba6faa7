"""Where sessions are measured: the real service as a process, the local GitHub, and deliveries posted by ourselves.

A webhook is made by a real act on the local GitHub, held back there, and posted when the clock starts.
"""

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from bench import processes
from bench.rooms import room
from bot.demo.github.people import Delivery
from bot.demo.stage import REPO, Stage, stage

T = TypeVar("T")

PROJECT = "names"
PREFIX = "nam"
PATIENCE = 60.0
CONFIG = """defaults: {{agent: {agent}}}
limits: {{sessions: 200, spawns_at_once: 2, warm: 0}}
times: {{idle_after: 1h, stuck_after: 1h}}
projects:
  names:
    repo: {repo}
    session_prefix: nam
    script: {script}
    env: {{AO_SPEED: "{speed}"}}
"""


class NotMeasured(Exception):
    """What was to be measured did not happen."""


@dataclass
class Ground:
    """A running service with everything around it."""

    home: Path
    stage: Stage
    http: aiohttp.ClientSession
    sessions: int = 0
    _database: sqlite3.Connection | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        """The service's data directory."""
        return self.stage.service.data

    @property
    def pid(self) -> int:
        """The service's process."""
        return processes.listening(self.data / "ao.sock")

    async def held_back(self, act: Callable[[], Any], *events: str, by: str = "") -> list[Delivery]:
        """Do something on the local GitHub and return its webhooks, one per event, instead of sending them."""
        hub = self.stage.hub
        sent = hub.world.apps[self.stage.bot].hook.deliveries
        before = len(sent)
        faults = [hub.faults.add("drop", match=f"^{event}$", times=1000) for event in events]

        def held() -> list[Delivery] | None:
            named = [one for one in sent[before:] if f"{one.event}.{one.action}" in events and one.headers]
            lost = [one for one in named if by in ("", one.payload["sender"]["login"])]
            found = {f"{one.event}.{one.action}": one for one in reversed(lost)}
            return [found[event] for event in events] if set(events) <= set(found) else None

        await act()
        try:
            return await until(f"{events} are sent", held)
        finally:
            for fault in faults:
                hub.faults.active.remove(fault)

    async def post(self, delivery: Delivery) -> float:
        """Post a webhook to the service; return when the first byte was about to go out."""
        url = delivery.hook.url
        began = time.monotonic()
        async with self.http.post(url, data=delivery.body, headers=delivery.headers) as answer:
            if answer.status != 202:
                raise NotMeasured(f"the service answered {answer.status} to {delivery.event}")
        return began

    async def label_held_back(self) -> tuple[int, Delivery]:
        """Open an issue and label it; return its number and the webhook."""
        person = self.stage.maintainer
        issue = await person.open_issue("Nothing to do", "This issue asks for nothing.")
        [delivery] = await self.held_back(lambda: person.label(issue, "agent"), "issues.labeled", by=person.login)
        self.sessions += 1
        return issue, delivery

    async def session(self) -> tuple[int, str]:
        """Start a session whose agent has ended its first turn; return its issue and name."""
        issue, delivery = await self.label_held_back()
        await self.post(delivery)
        name = f"{PREFIX}-{self.sessions}"
        await until(f"{name} is idle", lambda: self.ready(name) or None)
        return issue, name

    def ready(self, name: str) -> bool:
        """Tell whether the first turn of a session is over."""
        return bool(self.rows("SELECT 1 FROM messages WHERE session_id = ? AND state = 'answered'", name))

    async def silence(self) -> None:
        """Wait until the bot has said on GitHub all that it wanted to; it pauses between writes."""
        query = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')"
        await until("everything is said", lambda: not self.rows(query)[0][0], within=240.0, every=0.1)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what is committed in the service's database."""
        if self._database is None:
            self._database = sqlite3.connect(f"file:{self.data / 'ao.db'}?mode=ro", uri=True)
        with closing(self._database.execute(query, values)) as found:
            return found.fetchall()

    async def accepted(self, source_key: str) -> float:
        """Return when the receipt of a message was on disk."""
        query = (
            "SELECT 1 FROM records JOIN messages ON messages.id = json_extract(data, '$.message')"
            " WHERE source_key = ? AND records.kind = 'message' AND json_extract(data, '$.state') = 'accepted'"
        )
        return await until(
            f"{source_key} is accepted", lambda: time.monotonic() if self.rows(query, source_key) else None
        )

    async def comment(self, issue: int, text: str) -> float:
        """Comment on an issue and return the seconds from the delivery to the agent's receipt."""
        person = self.stage.maintainer
        [delivery] = await self.held_back(lambda: person.comment(issue, text), "issue_comment.created", by=person.login)
        began = await self.post(delivery)
        number = json.loads(delivery.body)["comment"]["id"]
        return await self.accepted(f"comment:{REPO}:{number}") - began


@asynccontextmanager
async def ground(
    *, files: dict[str, str] | None = None, script: str = "", serve: list[str] | None = None, warm: int = 0
) -> AsyncIterator[Ground]:
    """Set everything up in a directory of its own and end it afterwards; `warm` checkouts are made ahead."""
    home = room()
    play = home / "script.toml"
    play.write_text(script)
    layout = {"README.md": "# Nothing\n"} if files is None else files
    async with (
        stage(home, config=CONFIG.replace("warm: 0", f"warm: {warm}"), files=layout, script=play, serve=serve) as made,
        aiohttp.ClientSession() as http,
    ):
        yield Ground(home, made, http)


async def until(what: str, look: Callable[[], T | None], *, within: float = PATIENCE, every: float = 0.002) -> T:
    """Return the first answer of `look` that is not empty."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := look():
            return found
        await asyncio.sleep(every)
    raise NotMeasured(f"{what}: not so after {within:g} s")


async def ran(*argv: str | os.PathLike[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> float:
    """Run a program that must succeed and return the seconds it took."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=cwd, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    took = time.monotonic() - began
    if process.returncode:
        raise NotMeasured(f"{os.fspath(argv[0])} ended with {process.returncode}: {said.decode(errors='replace')}")
    return took
