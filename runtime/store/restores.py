"""What a restore changes in the rows of a session."""

import sqlalchemy as sa

from runtime.inbox import FAILED, QUEUED
from runtime.sessions import Session
from runtime.store import schema
from runtime.store.tx import Tx

REOPENED = "reopened"
"""The step after which a restored session has its worktree."""

_OF_ONE_LIFE = ("launch", "terminal", "preserved", "preserved_last", REOPENED)
_SETTLED = ("cleaned", "killed")


def newest_fact(sql: sa.Connection, session_id: str) -> float:
    """Return when the session's newest fact became true."""
    newest = sa.select(sa.func.max(schema.facts.c.at)).where(schema.facts.c.session_id == session_id)
    return float(sql.execute(newest).scalar() or 0.0)


def undo_end(tx: Tx, session: Session) -> None:
    """Make a session live, with the steps of its end and of its agent's start undone; the trail keeps what was."""
    steps, facts, messages = schema.steps.c, schema.facts.c, schema.messages.c
    tx.sql.execute(schema.steps.delete().where(steps.session_id == session.id, steps.name.in_(_OF_ONE_LIFE)))
    tx.sql.execute(schema.facts.delete().where(facts.session_id == session.id, facts.kind.in_(_SETTLED)))
    cut_off = (messages.session_id == session.id, messages.state == FAILED, messages.kind.not_in(("task", "ci")))
    true_still = sa.or_(messages.expires_at.is_(None), messages.expires_at > tx.now)
    since = session.ended_at if session.ended_at is not None else tx.now
    tx.sql.execute(
        schema.messages.update()
        .where(*cut_off, messages.changed_at >= since, true_still)
        .values(state=QUEUED, evidence="the session was brought back", attempts=0, changed_at=tx.now)
    )
    own = schema.sessions.c.id == session.id
    tx.sql.execute(schema.sessions.update().where(own).values(live=True, ended_at=None))
    tx.touched.add(session.id)
