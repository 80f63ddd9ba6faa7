"""How this service opens its file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import sqlalchemy as sa

LONGEST_LOG = 8000
"""Pages of the write-ahead log at which a commit empties it itself, because nothing else has come to it."""

_ANY = (
    "busy_timeout=5000",
    "foreign_keys=ON",
    "cache_size=-500",  # a quarter of SQLite's own: it makes nothing slower here (`make bench`) and spares 3 MB
    "temp_store=MEMORY",  # what a savepoint would restore, by default in a file made for it
)
_WRITING = (
    "journal_mode=WAL",
    "synchronous=FULL",
    f"wal_autocheckpoint={LONGEST_LOG}",
)


def open_engine(path: Path, *, read_only: bool = False) -> sa.Engine:
    """Return an engine whose connections are configured for this service."""
    url = f"sqlite:///file:{path}?mode=ro&uri=true" if read_only else f"sqlite:///{path}"
    engine = sa.create_engine(
        url, poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": read_only}, json_serializer=_as_json
    )

    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in _ANY if read_only else (*_ANY, *_WRITING):
            connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(engine, "connect", configure)
    return engine


@contextmanager
def one_moment(connection: sa.Connection) -> Iterator[None]:
    """Let all statements of the block see the same committed rows; a block within another shares its moment.

    Otherwise each SELECT has a moment of its own (https://www.sqlite.org/isolation.html).
    """
    sqlite = cast(sqlite3.Connection, connection.connection.dbapi_connection)
    if sqlite.in_transaction:
        yield
        return
    sqlite.execute("BEGIN")
    try:
        yield
    finally:
        sqlite.execute("COMMIT")


def _as_json(value: object) -> str:
    """Write letters as they are, so that they can be searched for; only what is no Unicode is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text
