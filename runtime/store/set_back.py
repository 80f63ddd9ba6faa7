"""What the store does when the wall clock was set back: what it knows from later than now did not happen later.

A clock is wrong after a start of the machine until the network's time has come, by hours where another system keeps
local time in it. Without this, nothing that is learned counts until the old time is reached again: newer facts win.
"""

import sqlalchemy as sa

from runtime.store import schema
from runtime.store.tx import Tx

AHEAD = 5.0
"""So much may separate two clocks that go right, seconds."""

_TIMES = (
    (schema.sessions, ("created_at", "ended_at", "announced_at", "recheck_at")),
    (schema.steps, ("done_at",)),
    (schema.messages, ("created_at", "changed_at", "not_before")),
    (schema.outbox, ("created_at", "changed_at", "not_before")),
    (schema.deliveries, ("not_before",)),
)


def last_written(sql: sa.Connection) -> float:
    """Return when something was last written down."""
    newest = sa.select(schema.records.c.at).order_by(schema.records.c.id.desc()).limit(1)
    return float(sql.execute(newest).scalar() or 0.0)


def make_it_now(tx: Tx) -> None:
    """Let everything that has a later time have happened, or be due, now; what GitHub dates keeps its time.

    Doubts about terminals are dropped: they are looked for again.
    """
    F = schema.facts.c
    later = (F.at > tx.now, F.source != "github")
    tx.touched.update(tx.sql.execute(sa.select(F.session_id).where(*later)).scalars())
    tx.sql.execute(schema.facts.delete().where(*later, F.kind == "probe"))
    dated = sa.func.json_set(F.value, "$.at", tx.now)
    tx.sql.execute(schema.facts.update().where(*later).values(at=tx.now, value=dated))
    for table, names in _TIMES:
        for column in (table.c[name] for name in names):
            tx.sql.execute(table.update().where(column > tx.now).values({column.name: tx.now}))
    live = sa.select(schema.sessions.c.id).where(schema.sessions.c.live)
    tx.touched.update(tx.sql.execute(live).scalars())
    for topic in ("deliveries", "outbox", "sessions"):
        tx.wake(topic)
