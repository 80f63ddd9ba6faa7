"""Explains sessions and deliveries from what is stored."""

import sqlalchemy as sa

from bot.api.explain import Explanation, StepView
from bot.api.operation import Unknown
from bot.parts import Parts
from handlers import routing
from runtime.explain.chain import Cause, Step, chain
from runtime.explain.deliveries import Route, event, told
from runtime.explain.standing import standing, waits
from runtime.look import Look, look
from runtime.queue import running, slots
from runtime.store import deliveries, facts, outbox, records, sessions
from runtime.store.records import Record, Want
from runtime.view import iso

LOOKED_AT = 5000
"""Records of a session that its chain is made from; older ones are in `ao events ls`."""

UNKNOWN = "There is no session or delivery {name}: see `ao session ls --include-terminated` and `ao deliveries ls`"


class Explain:
    """Implements `bot.api.explain.ExplainPort`; takes its time on a connection of its own."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    async def explain(self, name: str, *, limit: int) -> Explanation:
        """Explain a session by its name or a delivery by its GUID or number, with its last `limit` steps."""
        found = await self._store.read_apart(lambda sql: self._session(sql, name, limit) or self._delivery(sql, name))
        if found is None:
            raise Unknown(UNKNOWN.format(name=name))
        return found

    def _session(self, sql: sa.Connection, name: str, limit: int) -> Explanation | None:
        seen = look(sql, name)
        if seen is None:
            return None
        newest = records.listing(sql, Want(session=name), limit=LOOKED_AT)
        causes = _causes(sql, newest)
        steps = chain(sorted([*newest, *records.of_nobody(sql, causes)], key=_id), causes)
        return Explanation(
            name=name, about="session", chain=self._steps(steps[-limit:]), left_out=max(0, len(steps) - limit),
            now=self._words(standing(seen, facts.known(sql, name), self._store.clock())),
            waits_for=self._words(self._waits(sql, seen)),
        )  # fmt: skip

    def _waits(self, sql: sa.Connection, seen: Look) -> list[str]:
        project = self._parts.projects.get(seen.session.project)
        if project is None:
            return [f"No project {seen.session.project} is configured any more, so nothing is done for it."]
        return waits(
            seen, self._store.clock(), times=project.times, running=running(sql),
            allowed=slots(self._parts.projects).total,
            unsent=[row for row in outbox.unsent(sql) if row.session_id == seen.session.id],
        )  # fmt: skip

    def _delivery(self, sql: sa.Connection, name: str) -> Explanation | None:
        number = int(name) if name.isascii() and name.isdecimal() else None
        found = (deliveries.find(sql, number) if number is not None else None) or deliveries.find(sql, name)
        if found is None:
            return None
        entry = found.entry
        lines = told(found, self._route(sql, found), self._store.clock(), before=deliveries.ahead_of(sql, entry))
        caused = [record for record in found.records if record.kind not in ("trust", "skip", *_OF_THE_JOURNAL)]
        cause = {entry.id: Cause(guid=entry.guid, event=event(entry))}
        steps = chain(sorted({one.id: one for one in [*caused, *records.later(sql, caused)]}.values(), key=_id), cause)
        return Explanation(
            name=entry.guid, about="delivery", now=self._words(lines), waits_for=[],
            chain=self._steps([step for step in steps if step.delivery == entry.guid]),
        )  # fmt: skip

    def _route(self, sql: sa.Connection, found: deliveries.Detail) -> Route:
        payload = routing.read(found.body or b"")
        if payload.repository is None:
            return Route()
        repo = payload.repository.full_name
        project = next((one for one in self._parts.projects.values() if one.repo.lower() == repo.lower()), None)
        tried = routing.addresses(found.entry.event, payload)
        hits = [(where, session) for where in tried if (session := sessions.find(sql, [where])) is not None]
        return Route(
            repo=repo, project=project.id if project else None, tried=tuple(tried),
            address=hits[0][0] if hits else None, session=hits[0][1].id if hits else None,
        )  # fmt: skip

    def _steps(self, steps: list[Step]) -> list[StepView]:
        return [
            StepView(
                at=iso(step.at), cause=step.cause, effects=self._words(step.effects), level=step.level,
                delivery=step.delivery,
            )
            for step in steps
        ]  # fmt: skip

    def _words(self, lines: list[str]) -> list[str]:
        return [self._store.redact(line) for line in lines]


_OF_THE_JOURNAL = ("delivery_failed", "delivery_dead", "delivery_replayed")


def _id(record: Record) -> int:
    return record.id


def _causes(sql: sa.Connection, found: list[Record]) -> dict[int, Cause]:
    ids = {record.delivery_id for record in found if record.delivery_id is not None}
    return {entry.id: Cause(guid=entry.guid, event=event(entry)) for entry in deliveries.of_ids(sql, ids)}
