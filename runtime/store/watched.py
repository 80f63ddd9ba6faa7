"""Rows of the sessions whose terminals are looked for, read at once because it is done every few seconds."""

from typing import Any

import msgspec
import sqlalchemy as sa

from runtime.current import is_before
from runtime.fact import Fact
from runtime.facts import KINDS, Process
from runtime.probe import Probe
from runtime.store import schema
from runtime.store.facts import SPAWNED

T = schema.facts.c


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A session whose terminal is looked for, with what is known of it."""

    name: str
    project: str
    live: bool
    spawned_at: float
    process: Process | None = None
    probe: Probe | None = None


def watched(sql: sa.Connection) -> list[Watched]:
    """Return the sessions that have a terminal, and those that were taken for lost, which may come back."""
    session, step = schema.sessions.c, schema.steps.c
    counts = sa.or_(session.live, session.announced_reason == "runtime_lost")
    query = (
        sa.select(session.id, session.project, session.live, step.done_at)
        .join_from(schema.sessions, schema.steps, sa.and_(step.session_id == session.id, step.name == SPAWNED))
        .where(counts)
        .order_by(session.created_at, session.number)
    )
    rows = sql.execute(query).all()
    known = _known(sql, [row.id for row in rows], ("process", "probe", "restored"))
    return [_watched(row, known.get(row.id, {})) for row in rows]


def _known(sql: sa.Connection, names: list[str], kinds: tuple[str, ...]) -> dict[str, dict[str, Fact]]:
    found: dict[str, dict[str, Fact]] = {}
    query = sa.select(T.session_id, T.kind, T.value).where(T.kind.in_(kinds), T.session_id.in_(names))
    for row in sql.execute(query):
        found.setdefault(row.session_id, {})[row.kind] = msgspec.convert(row.value, KINDS[row.kind])
    return found


def _watched(row: Any, known: dict[str, Fact]) -> Watched:
    restored = known.pop("restored", None)
    counts: dict[str, Any] = {
        kind: fact for kind, fact in known.items() if restored is None or not is_before(fact, restored.at)
    }
    return Watched(name=row.id, project=row.project, live=row.live, spawned_at=row.done_at, **counts)
