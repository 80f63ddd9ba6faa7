"""Numbers of sessions: each is used once per project, also those that are known only from branches on the forge."""

import sqlalchemy as sa

from runtime.store import notes, schema
from runtime.store.tx import Tx

T = schema.sessions.c


def next_free(sql: sa.Connection, project: str) -> int:
    """Return the number for the project's next session."""
    highest = sql.execute(sa.select(sa.func.max(T.number)).where(T.project == project)).scalar()
    return max(int(highest or 0), floor(sql, project)) + 1


def floor(sql: sa.Connection, project: str) -> int:
    """Return the highest number that was ever seen on a branch of the forge."""
    return int(notes.get(sql, _key(project)) or 0)


def raise_floor(tx: Tx, project: str, number: int) -> None:
    """Give out no number up to this one any more; a lower one changes nothing."""
    if number > floor(tx.sql, project):
        notes.put(tx, _key(project), number)


def _key(project: str) -> str:
    return f"numbers:{project}"
