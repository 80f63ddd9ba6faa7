"""Brings deliveries and stories together: finds the project and session, builds the context, runs one story."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from bot.renames import KnownRepositories
from bot.worker import Outcome
from handlers import routing
from handlers.context import Context, Delivery, FindProgram, People
from handlers.stories import Stories, Story
from runtime.errors import ForgeRefused, GoneFromForge, UserError
from runtime.ports import Forge
from runtime.project import Project
from runtime.sessions import Session
from runtime.store import facts as fact_rows
from runtime.store import outbox, sessions
from runtime.store.journal import Delivery as Row
from runtime.store.store import Store
from runtime.store.tx import Op, Tx


class Dispatch:
    """What the worker asks about each delivery."""

    def __init__(
        self,
        store: Store,
        stories: Stories,
        projects: Mapping[str, Project],
        *,
        forge: Forge,
        people: People,
        find_program: FindProgram,
        remember: Callable[[str, int], None],
    ) -> None:
        """`remember` is told which installation a repository belongs to, as each delivery says."""
        self._store = store
        self._stories = stories
        self._repositories = KnownRepositories(store, projects)
        self._forge = forge
        self._people = people
        self._find_program = find_program
        self._remember = remember
        self._branches: dict[tuple[str, int], str | None] = {}

    def handlers_for(self, event: str, payload: dict[str, Any]) -> list[tuple[str, Story]]:
        """Return the stories of a delivery with their names, in a fixed order."""
        return self._stories.of(event, payload.get("action"))

    def key_of(self, delivery: Row) -> str:
        """Return what deliveries are ordered by: the session's key, or the repository's name and number."""
        payload = self._read(delivery)
        if session := self._session(delivery.event, payload):
            return session.session_key
        addresses = routing.addresses(delivery.event, payload)
        if addresses:
            return addresses[0].split(":", 1)[1]
        return payload.repository.full_name if payload.repository else delivery.guid

    async def run(self, handler: Story, delivery: Row) -> Outcome:
        """Run one story and return what it wants; nothing has happened yet."""
        payload = self._read(delivery)
        project = self._repositories.project(payload.repository)
        if project is None or payload.repository is None:
            return Outcome(skip_reason="no project works on this repository")
        if payload.installation:
            self._remember(payload.repository.full_name, payload.installation.id)
        session = self._session(delivery.event, payload) or await self._by_branch(project, payload)
        facts = None
        if session is not None:
            found = session
            facts = self._store.read(lambda sql: fact_rows.of_session(sql, found.id, found.created_at))
        seen = Delivery(id=delivery.id, guid=delivery.guid, event=delivery.event, body=delivery.body)
        ctx = Context(
            project=project, session=session, facts=facts, forge=self._forge, people=self._people,
            find_program=self._find_program, now=self._store.clock(),
        )  # fmt: skip
        await handler(seen, ctx)
        kept = partial(self._repositories.remember, payload.repository)
        return Outcome((kept, *ctx.ops), seen.skip_reason, session.id if session else None)

    def say_error(self, delivery: Row, error: UserError) -> list[Op]:
        """Return the comment that tells a person what to do about an error of theirs, once per delivery."""
        payload = self._read(delivery)
        if payload.repository is None or payload.issue is None:
            return []
        repo, number = payload.repository.full_name, payload.issue.number

        def op(tx: Tx) -> None:
            said = {"number": number, "body": str(error)}
            outbox.enqueue(tx, key=f"{repo}:error:{delivery.guid}", kind="comment", repo=repo, payload=said)

        return [op]

    def _read(self, delivery: Row) -> routing.Payload:
        """Return what routing reads of a delivery, its repository by the name that we know it by."""
        payload = routing.read(delivery.body)
        if payload.repository is None:
            return payload
        return msgspec.structs.replace(payload, repository=self._repositories.as_configured(payload.repository))

    def _session(self, event: str, payload: routing.Payload) -> Session | None:
        session = self._at(routing.addresses(event, payload))
        return (
            session
            if session and payload.repository and session.repo.lower() == payload.repository.full_name.lower()
            else None
        )

    def _at(self, addresses: list[str]) -> Session | None:
        return self._store.read(lambda sql: sessions.find(sql, addresses)) if addresses else None

    async def _by_branch(self, project: Project, payload: routing.Payload) -> Session | None:
        """Find the session of a comment on a pull request that is not known yet.

        The comment may overtake the delivery that tells of the pull request, and the answer to who opened it.
        """
        number = routing.commented_pull(payload)
        if number is None or not self._store.read(lambda sql: sessions.works_on(sql, project.id)):
            return None
        branch = await self._branch_of(project.repo, number)
        return self._at([f"branch:{project.repo.lower()}:{branch}"]) if branch is not None else None

    async def _branch_of(self, repo: str, number: int) -> str | None:
        """Ask once for the branch of a pull request; None when it is not the repository's own."""
        if (repo, number) not in self._branches:
            try:
                pull = await self._forge.pull(repo, number)
            except (GoneFromForge, ForgeRefused):
                return None
            self._branches[repo, number] = pull.now.head_ref if pull.same_repository else None
        return self._branches[repo, number]
