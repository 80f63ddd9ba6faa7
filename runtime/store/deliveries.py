"""The journal as people see it: what came, what became of it, and doing it again."""

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from runtime.errors import UserError
from runtime.store.journal import OPEN, TOPIC
from runtime.store.records import Record, caused_by
from runtime.store.schema import deliveries, handler_runs
from runtime.store.store import Store
from runtime.store.tx import Tx

KEEP_BODIES = 8 * 86400
KEEP_CLAIMS = 14 * 86400
"""Longer than GitHub redelivers (3 days, 7 on GitHub Enterprise Server)."""

SHORTEST = 7
"""Characters of a GUID that it may be found by."""

_AT_A_TIME = 500


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal; times are seconds since the epoch."""

    id: int
    guid: str
    event: str
    action: str | None
    state: str
    received_at: float
    attempts: int
    session_key: str | None
    skip_reason: str | None
    error: str | None
    finished_at: float | None
    not_before: float = 0.0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A handler that is through with a delivery."""

    handler: str
    done_at: float
    skip_reason: str | None


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery and all that is known about it; the body is None once retention has dropped it."""

    entry: Entry
    runs: list[Run]
    records: list[Record]
    body: bytes | None


_ENTRY = [deliveries.c[name] for name in Entry.__struct_fields__]


def listing(store: Store, *, state: str | None = None, limit: int = 50) -> list[Entry]:
    """Return the newest deliveries, newest first."""
    query = sa.select(*_ENTRY).order_by(deliveries.c.id.desc()).limit(limit)
    return [_entry(row) for row in store.rows(query if state is None else query.where(deliveries.c.state == state))]


def show(store: Store, name: str | int) -> Detail | None:
    """Return one delivery, by its GUID or its number here."""
    return store.read(lambda sql: find(sql, name))


def find(sql: sa.Connection, name: str | int) -> Detail | None:
    """Return one delivery, by its GUID, the beginning of one that no other has, or its number here."""
    c = deliveries.c
    query = sa.select(*_ENTRY, c.body)
    found = sql.execute(query.where((c.id if isinstance(name, int) else c.guid) == name)).all()
    if not found and isinstance(name, str) and len(name) >= SHORTEST:
        found = sql.execute(query.where(c.guid.startswith(name, autoescape=True)).limit(2)).all()
    if len(found) != 1:
        return None
    entry = _entry(found[0])  # type: ignore[arg-type]  # the columns come from a list
    runs = sa.select(*(handler_runs.c[name] for name in Run.__struct_fields__))
    return Detail(
        entry=entry,
        runs=[Run(**row._mapping) for row in sql.execute(runs.where(handler_runs.c.delivery_id == entry.id))],
        records=caused_by(sql, entry.id),
        body=found[0].body,
    )


def of_ids(sql: sa.Connection, ids: Collection[int]) -> list[Entry]:
    """Return deliveries by their numbers here, those that are still known."""
    found = sql.execute(sa.select(*_ENTRY).where(deliveries.c.id.in_(ids)))
    return [Entry(**row) for row in found.mappings()]


def ahead_of(sql: sa.Connection, entry: Entry) -> int:
    """Return how many open deliveries of the same key go before this one."""
    c = deliveries.c
    before = (c.state.in_(OPEN), c.session_key == entry.session_key, c.id < entry.id)
    return int(sql.execute(sa.select(sa.func.count()).select_from(deliveries).where(*before)).scalar_one())


async def replay(store: Store, guid: str, *, force: bool = False) -> Entry:
    """Queue a delivery again; what is queued or running already stays as it is.

    Handlers that did something stay done, those that skipped or told somebody about a mistake run again; with `force`
    all do.

    Raises:
        UserError: nobody knows this delivery, or its body is gone.

    """
    await store.write(lambda tx: _replay(tx, guid, force))
    query = sa.select(*_ENTRY).where(deliveries.c.guid == guid)
    return _entry(store.rows(query)[0])


async def forget(store: Store) -> int:
    """Drop the bodies of finished deliveries after 8 days and finished deliveries after 14; return how many changed.

    Works in small transactions, so that it delays nobody; the newest row stays, so that ids are never used again.
    """
    now, changed = store.clock(), 0
    old, older = _newest_before(store, now - KEEP_BODIES), _newest_before(store, now - KEEP_CLAIMS)
    c = deliveries.c
    finished = c.state.not_in(OPEN)
    bodies = sa.select(c.id).where(c.id <= old, finished, c.state != "dead", c.body.is_not(None))
    claims = sa.select(c.id).where(c.id <= older, finished, c.id < sa.select(sa.func.max(c.id)).scalar_subquery())
    for change, which in ((deliveries.update().values(body=None), bodies), (deliveries.delete(), claims)):
        statement = change.where(c.id.in_(which.limit(_AT_A_TIME)))
        while part := await store.write(lambda tx, do=statement: tx.sql.execute(do).rowcount):  # type: ignore[misc]
            changed += part
    return changed


def backlog(store: Store) -> tuple[int, float]:
    """Return how many deliveries are open, and the age of the oldest in seconds."""
    oldest = sa.func.min(deliveries.c.received_at).label("since")
    query = sa.select(sa.func.count().label("many"), oldest).where(deliveries.c.state.in_(OPEN))
    row = store.rows(query)[0]
    return row.many, max(0.0, store.clock() - row.since) if row.many else 0.0


def known(store: Store, guid: str) -> bool:
    """Tell whether a delivery has arrived."""
    return bool(store.rows(sa.select(deliveries.c.id).where(deliveries.c.guid == guid)))


def newest_arrival(store: Store) -> float:
    """Return when the newest delivery arrived, 0 when there is none."""
    newest = sa.select(deliveries.c.received_at).order_by(deliveries.c.id.desc()).limit(1)
    rows = store.rows(newest)
    return float(rows[0].received_at) if rows else 0.0


def count_by_state(store: Store) -> dict[str, int]:
    """Return how many deliveries are in each state."""
    query = sa.select(deliveries.c.state, sa.func.count().label("many")).group_by(deliveries.c.state)
    return {row.state: row.many for row in store.rows(query)}


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(**{name: row._mapping[name] for name in Entry.__struct_fields__})


def _newest_before(store: Store, time: float) -> int:
    # Ids grow with time, so the first that is young enough ends the search.
    def search(sql: sa.Connection) -> int:
        newest = 0
        with sql.execute(sa.select(deliveries.c.id, deliveries.c.received_at).order_by(deliveries.c.id)) as rows:
            for row in rows:
                if row.received_at >= time:
                    break
                newest = row.id
        return newest

    return store.read(search)


def _replay(tx: Tx, guid: str, force: bool) -> None:
    c = deliveries.c
    found = tx.sql.execute(sa.select(c.id, c.state, c.body.is_(None).label("empty")).where(c.guid == guid)).first()
    if found is None:
        raise UserError(f"No delivery {guid} is known here. `ao deliveries ls` shows those that are.")
    if found.state in OPEN:
        return
    if found.empty:
        raise UserError(f"The content of {guid} was dropped after 8 days. Redeliver it from the settings on GitHub.")
    tx.cause = found.id
    again = handler_runs.delete().where(handler_runs.c.delivery_id == found.id)
    tx.sql.execute(again if force else again.where(handler_runs.c.skip_reason.is_not(None)))
    fresh = {
        "state": "queued",
        "attempts": 0,
        "not_before": 0.0,
        "skip_reason": None,
        "error": None,
        "finished_at": None,
    }
    tx.sql.execute(deliveries.update().where(c.id == found.id).values(**fresh))
    tx.record("delivery_replayed", f"Queued again; it was {found.state}.", forced=force)
    tx.wake(TOPIC)
