"""Who may start, and who waits: first come, first served, and a project that is full holds up nobody else's."""

from collections.abc import Collection, Iterable, Mapping

import msgspec
import sqlalchemy as sa

from runtime.changes import QueueMoved
from runtime.project import Project
from runtime.sessions import Session
from runtime.store import facts, sessions
from runtime.store.tx import Tx


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions may be live at once: in all, and in each project that says so."""

    total: int
    own: Mapping[str, int] = {}


def slots(projects: Mapping[str, Project]) -> Slots:
    """Return what the configuration allows."""
    total = next((project.limits.sessions for project in projects.values()), 0)
    own = {project.id: project.sessions for project in projects.values() if project.sessions is not None}
    return Slots(total=total, own=own)


def running(sql: sa.Connection) -> int:
    """Return how many sessions hold a slot; orchestrators hold none."""
    workers = {session.id for session in sessions.listing(sql) if session.role == "worker"}
    return len(workers & sessions.with_step(sql, facts.SPAWNED))


def positions(live: Iterable[Session], started: Collection[str], allowed: Slots) -> dict[str, int]:
    """Return the place of each session that has not started, 0 for those that may; `live` is in the order of claims.

    Orchestrators take no slot: they start what others wait for.
    """
    workers = [session for session in live if session.role == "worker"]
    running = [session for session in workers if session.id in started]
    free, own = allowed.total - len(running), dict(allowed.own)
    for session in running:
        own[session.project] = own.get(session.project, allowed.total) - 1
    places: dict[str, int] = {}
    waiting = 0
    for session in workers:
        if session.id in started:
            continue
        room = own.get(session.project, allowed.total)
        if free > 0 and room > 0:
            free, own[session.project] = free - 1, room - 1
            places[session.id] = 0
        else:
            waiting += 1
            places[session.id] = waiting
    return places


def move(tx: Tx, projects: Mapping[str, Project]) -> None:
    """Give every waiting session its place; who moves is told, who may start is woken."""
    live = [session for session in sessions.listing(tx.sql) if session.project in projects]
    started = sessions.with_step(tx.sql, facts.SPAWNED)
    places = positions(live, started, slots(projects))
    for session in live:
        place = places.get(session.id, 0)
        if place != session.queue_position:
            sessions.change(tx, session.id, queue_position=place)
            _tell(tx, session, place)


def _tell(tx: Tx, session: Session, place: int) -> None:
    words = f"number {place} of those that wait for a free slot" if place else "has a free slot"
    tx.record("queue", f"{session.id}: {words}", session_id=session.id, position=place)
    tx.changes.append(QueueMoved(session=msgspec.structs.replace(session, queue_position=place), position=place))
    tx.wake(session.id)
