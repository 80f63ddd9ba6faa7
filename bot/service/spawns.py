"""Starts sessions for people and scripts."""

import asyncio
import contextlib
from collections.abc import Mapping

from bot.api.spawns import Outcome, Spawn, Spawned, SpawnMany
from bot.parts import Parts
from bot.service.seen import seen
from runtime import claims
from runtime.claims import Taken
from runtime.errors import ForgeBusy, Permanent, UserError, WrongUse
from runtime.facts import SpawnFailed
from runtime.look import Look
from runtime.preflight import Order, checked
from runtime.sessions import Session
from runtime.store import facts, notes, sessions
from runtime.store.renumber import name_now
from runtime.store.tx import Tx
from runtime.wish import Wish

BROKEN = "Project {name} does not work: {why}"
NOT_STARTED = "{name} could not start. Step `{step}` failed: {error}"
LEFT = "\nCould not be undone: {what}."
CANCELLED = "{name} was ended before it had started ({reason})."
NOT_READ = "GitHub does not say: {why}"
A_PERSON = "a person"


class Spawns:
    """Implements `bot.api.spawns.SpawnsPort`."""

    def __init__(self, parts: Parts, broken: Mapping[str, tuple[str, ...]]) -> None:
        self._parts = parts
        self._store = parts.store
        self._broken = broken

    async def spawn(self, wanted: Spawn) -> Spawned:
        """Check what is wanted and claim a session for it."""
        wish = Wish(
            project=wanted.project, issue=wanted.issue, prompt=wanted.prompt, agent=wanted.agent, model=wanted.model,
            branch=wanted.branch, pull=wanted.pull, by=wanted.author or A_PERSON,
        )  # fmt: skip
        name = self._store.read(lambda sql: notes.asked(sql, wanted.key))
        if name is None:
            name = (await self._claim(wish, key=wanted.key)).id
        return self._spawned(self._look(name))

    async def spawn_many(self, wanted: SpawnMany) -> list[Outcome]:
        """Claim a session for each issue, one after the other; one that fails does not stop the others."""
        done: set[tuple[str, int | None]] = set()
        outcomes = []
        for issue in wanted.issues:
            wish = Wish(
                project=wanted.project, issue=issue, agent=wanted.agent, model=wanted.model,
                by=wanted.author or A_PERSON,
            )  # fmt: skip
            outcomes.append(await self._one_of_many(wish, issue, done))
        return outcomes

    async def _one_of_many(self, wish: Wish, issue: str, done: set[tuple[str, int | None]]) -> Outcome:
        try:
            project, number = wish.place(self._parts.projects)
            if (project.id, number) in done:
                return Outcome(issue=issue, result="skipped", why="duplicate in this batch")
            done.add((project.id, number))
            session = await self._claim(wish)
        except Taken as exc:
            why = f"already has session {exc.session}"
            return Outcome(issue=issue, result="skipped", session=exc.session, why=why)
        except (UserError, ForgeBusy) as exc:
            return Outcome(issue=issue, result="failed", why=str(exc))
        return Outcome(issue=issue, result="created", session=session.id)

    async def _claim(self, wish: Wish, *, key: str | None = None) -> Session:
        self._refuse_broken(wish)
        try:
            order = await checked(wish, self._parts.hands)
        except Permanent as exc:
            raise UserError(NOT_READ.format(why=exc)) from exc
        return await self._store.write(lambda tx: _claim_once(tx, order, key))

    def _refuse_broken(self, wish: Wish) -> None:
        """Say what is wrong with a project that is configured and does not work."""
        named = wish.project or (wish.issue or "").partition("/")[0]
        if named in self._broken:
            raise WrongUse(BROKEN.format(name=named, why="; ".join(self._broken[named])))

    async def started(self, name: str, *, patience: float) -> Spawned:
        """Return how far a start is once it is over or waits in the queue, or after `patience` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._over(name)
        found = self._look(name)
        if found.facts.spawn_failed is not None:
            raise UserError(_failure(name, found.facts.spawn_failed))
        if not found.session.live and not found.facts.spawned:
            raise UserError(CANCELLED.format(name=name, reason=found.session.announced_reason))
        return self._spawned(found)

    async def _over(self, name: str) -> None:
        """Wait until nothing more happens by itself."""
        while True:
            with self._store.listening(self._look(name).session.id) as news:
                if not self._under_way(self._look(name)):
                    return
                await news.wait()

    def _look(self, name: str) -> Look:
        """Look at a session that may have got another number since it was claimed."""
        return seen(self._parts, self._store.read(lambda sql: name_now(sql, name)))

    @staticmethod
    def _under_way(found: Look) -> bool:
        waits = found.session.queue_position or not found.session.live or found.facts.spawn_failed is not None
        return not found.facts.spawned and not waits

    def _spawned(self, found: Look) -> Spawned:
        session, pull = found.session, found.facts.pull_request
        runs = facts.SPAWNED in found.steps
        return Spawned(
            id=session.id, project_id=session.project, agent=session.agent, branch=session.branch,
            issue_id=None if session.issue is None else str(session.issue),
            state="spawned" if runs else "queued" if session.queue_position else "starting",
            queue_position=session.queue_position, claimed_url=pull.url if pull and session.pull else None,
            attach_command=self._parts.tmux.attach_command(session.id) if runs else None,
        )  # fmt: skip


def _failure(name: str, failed: SpawnFailed) -> str:
    left = LEFT.format(what=", ".join(failed.left_behind)) if failed.left_behind else ""
    return NOT_STARTED.format(name=name, step=failed.step, error=failed.error) + left


def _claim_once(tx: Tx, order: Order, key: str | None) -> Session:
    """Claim what is ordered, or return what the same request was given when it came before."""
    name = notes.asked(tx.sql, key)
    known = sessions.get(tx.sql, name_now(tx.sql, name)) if name else None
    made = known or claims.claim(tx, order)
    if key is not None:
        notes.remember(tx, key, made.id)
    return made
