"""Rows of notes: single values that outlive the service."""

from typing import Any

import sqlalchemy as sa

from runtime.store import schema
from runtime.store.tx import Tx

T = schema.notes.c


def get(sql: sa.Connection, key: str) -> Any:
    """Return a note's value, None when there is no such note."""
    return sql.execute(sa.select(T.value).where(T.key == key)).scalar()


def firsts(sql: sa.Connection, start: str, of: str) -> dict[str, str]:
    """Return for each key that begins like this the first text in a list in its value, empty if there is none."""
    first = T.value[(of, 0)].as_string()
    rows = sql.execute(sa.select(T.key, first).where(T.key.startswith(start, autoescape=True)))
    return {key: text or "" for key, text in rows}


def drop(tx: Tx, key: str) -> None:
    """Forget a note; nothing happens if there is none."""
    tx.sql.execute(schema.notes.delete().where(T.key == key))


def put(tx: Tx, key: str, value: Any) -> None:
    """Write a note down, over an earlier one."""
    tx.sql.execute(schema.notes.insert().prefix_with("OR REPLACE").values(key=key, value=value))
