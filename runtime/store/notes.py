"""Rows of notes: single values that outlive the service."""

from typing import Any

import sqlalchemy as sa

from runtime.store import schema
from runtime.store.tx import Tx

T = schema.notes.c

REMEMBERED_FOR = 86400.0
_REQUEST = "request:"


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


def asked(sql: sa.Connection, key: str | None) -> str | None:
    """Return the session that a request was given which came with this key."""
    value = get(sql, _REQUEST + key) if key is not None else None
    return str(value["session"]) if value else None


def remember(tx: Tx, key: str, session_id: str) -> None:
    """Remember for a day which session a request was given; what is older is forgotten."""
    put(tx, _REQUEST + key, {"session": session_id, "at": tx.now})
    old = sa.func.json_extract(T.value, "$.at") < tx.now - REMEMBERED_FOR
    tx.sql.execute(schema.notes.delete().where(T.key.startswith(_REQUEST, autoescape=True), old))
