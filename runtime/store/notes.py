"""Small things to remember that belong to no other table, by key."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from runtime.store.schema import notes
from runtime.store.tx import Tx


def get(sql: sa.Connection, key: str) -> Any:
    """Return what was noted under the key, or None."""
    return sql.execute(sa.select(notes.c.value).where(notes.c.key == key)).scalar()


def put(tx: Tx, key: str, value: Any) -> None:
    """Note a value that JSON can hold; it replaces the one before."""
    row = insert(notes).values(key=key, value=value)
    tx.sql.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": row.excluded.value}))
