"""The bot between GitHub and tmux: the real journal, worker path, stories, judgement and store."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.dispatch import Dispatch
from bot.handling import Handling, Limits
from handlers.outbound import STORIES
from handlers.stories import Stories
from runtime.announce import Announcer
from runtime.errors import UserError
from runtime.fact import Fact
from runtime.facts import Facts, Process, Turn
from runtime.inbox import Message
from runtime.ingest import ingest
from runtime.project import Project
from runtime.sessions import Session
from runtime.store import deliveries, facts, messages, schema, sessions
from runtime.store.deliveries import Entry
from runtime.store.journal import Arrival, Journal
from runtime.store.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.forge import FakeForge, FakePeople
from tests.fakes.github import REPO, GitHub, Issue, Sent


def a_project(**changed: Any) -> Project:
    known = {"id": "app", "repo": REPO, "session_prefix": "app", "agent": "scripted"}
    return Project(**{**known, **changed})


class Bot:
    """Takes deliveries in as the service does; what it would do outside is left in the store."""

    def __init__(self, path: Path, clock: FakeClock, github: GitHub, project: Project | None = None) -> None:
        self.clock, self.github = clock, github
        self.project = project or a_project()
        self.projects = {self.project.id: self.project}
        self.stories = Stories()
        self.store = Store(path, clock=clock, judge=Announcer(self.projects, STORIES))
        self.forge, self.people = FakeForge(github), FakePeople(github)
        self.installed: dict[str, int] = {}
        self.missing: set[str] = set()
        """Agents whose program is not there."""
        self._guids = itertools.count(1)
        self.begins_again()

    def begins_again(self) -> None:
        """Forget what is not stored, as a restart does."""
        self.dispatch = Dispatch(
            self.store, self.stories, self.projects, forge=self.forge, people=self.people,
            remember=self.installed.__setitem__, find_program=self._find_program,
        )  # fmt: skip
        self._journal = Journal(self.store)
        self._handling = Handling(self._journal, self.dispatch, Limits(backoff=lambda _: 0.0), self.store.clock)

    def _find_program(self, _: Project, agent: str) -> None:
        if agent in self.missing:
            raise UserError(f"`{agent}` is not on PATH: install it with get {agent}")

    async def receives(self, sent: Sent) -> Entry:
        """Claim a delivery and run its handlers once; return what the journal says of it then."""
        body = json.dumps(sent.payload).encode()
        guid, action = f"guid-{next(self._guids)}", sent.payload.get("action")
        wanted = self.stories.handles(sent.event, action)
        await self._journal.claim(Arrival(guid, sent.event, action, body, wanted))
        await self.works()
        found = deliveries.show(self.store, guid)
        assert found is not None
        return found.entry

    async def pushes(self, path: Path, *pushed: dict[str, Any]) -> None:
        """Let the session's agent push, and take it in."""
        with path.open("a") as file:
            file.writelines(json.dumps({"at": self.clock(), **one}) + "\n" for one in pushed)
        await ingest(self.store, self.session.id, path)

    async def works(self) -> None:
        """Handle everything that is open, once."""
        for id in self._journal.open_ids():
            delivery = self._journal.load(id)
            if delivery is not None and await self._journal.start(id, self.dispatch.key_of(delivery)):
                await self._handling.handle(delivery)

    async def starts(self, issue: Issue | None = None, *, turn: str = "ready") -> Session:
        """Label an issue and let its session get as far as an agent at work."""
        issue = issue or self.github.open_issue()
        await self.receives(self.github.label(issue))
        await self.spawned(self.session.id, turn=turn)
        return self.session

    async def spawned(self, name: str, *, turn: str = "ready") -> None:
        def job(tx: Any) -> None:
            for step in ("workspace", "launch", facts.SPAWNED):
                sessions.step_done(tx, name, step, pane="%1", environment={})
            facts.learn(tx, name, Process(state="running", pid=os.getpid()), source="push")
            facts.learn(tx, name, Turn(state=turn), source="push")

        await self.store.write(job)

    async def learns(self, *known: Fact, name: str | None = None) -> None:
        """Let the session learn facts, each in a transaction of its own."""
        name = name or self.session.id
        for fact in known:
            await self.store.write(lambda tx, fact=fact: facts.learn(tx, name, fact, source="test"))

    @property
    def sessions(self) -> list[Session]:
        return self.store.read(lambda sql: sessions.listing(sql, live_only=False))

    @property
    def live(self) -> list[Session]:
        return self.store.read(sessions.listing)

    @property
    def session(self) -> Session:
        """The newest session."""
        return self.sessions[-1]

    @property
    def facts(self) -> Facts:
        session = self.session
        return self.store.read(lambda sql: facts.of_session(sql, session.id, session.created_at))

    @property
    def messages(self) -> list[Message]:
        return self.store.read(lambda sql: messages.of_session(sql, self.session.id))

    @property
    def status(self) -> tuple[str, str]:
        return self.session.announced_status, self.session.announced_reason

    def rows(self, table: str, **values: Any) -> list[Any]:
        """Return the rows of a table that have these values, oldest first."""
        of = schema.metadata.tables[table]
        return self.store.rows(sa.select(of).where(*(of.c[name] == value for name, value in values.items())))

    def outbox(self, *kinds: str) -> list[dict[str, Any]]:
        """Return what is to be written of these kinds, oldest first."""
        return [row.payload for row in self.rows("outbox") if not kinds or row.kind in kinds]

    @property
    def said(self) -> list[str]:
        """The bodies of the comments, the status comment left out."""
        return [payload["body"] for payload in self.outbox("comment")]

    def records(self, kind: str) -> list[str]:
        return [row.summary for row in self.rows("records", kind=kind)]
