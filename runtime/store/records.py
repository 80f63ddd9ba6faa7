"""The audit trail, read from where a reader stopped."""

from typing import Any

import msgspec
import sqlalchemy as sa

from runtime.store import schema
from runtime.store.store import Store

T = schema.records.c


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line; `delivery_id` is the delivery that caused it."""

    id: int
    at: float
    kind: str
    session_id: str | None
    delivery_id: int | None
    summary: str
    data: dict[str, Any]
    level: str
    source: str


def after(store: Store, id: int, *, limit: int) -> list[Record]:
    """Return the next records after an id, oldest first."""
    query = sa.select(schema.records).where(T.id > id).order_by(T.id).limit(limit)
    return [Record(**row._mapping) for row in store.rows(query)]


def newest(store: Store) -> int:
    """Return the id of the newest record, 0 when there is none."""
    return int(store.rows(sa.select(sa.func.coalesce(sa.func.max(T.id), 0)))[0][0])
