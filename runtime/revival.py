"""Gives a session that was taken for ended its place back: its terminal was found again, or a person restored it."""

import msgspec

from runtime import children
from runtime.changes import FoundAlive
from runtime.facts import Killed
from runtime.sessions import Session
from runtime.store import facts, messages, sessions
from runtime.store.tx import Tx

LATE = "{session} lives after all, but {other} works on the same by now: it stays ended"


def revive(tx: Tx, session: Session) -> None:
    """Make an ended session live again; it stays ended, for good, when another one has its issue or branch by now."""
    if other := sessions.holder(tx.sql, session):
        told = LATE.format(session=session.id, other=other)
        tx.record("superseded", told, session_id=session.id)
        facts.learn(tx, session.id, Killed(by=other, reason="superseded"), source="service")
        return
    sessions.change(tx, session.id, live=True, ended_at=None)
    for step in ("preserved", "preserved_last"):  # what it does from now on has to be kept once more
        sessions.step_undone(tx, session.id, step)
    if session.announced_reason == "runtime_lost":
        _undo_loss(tx, session)
    tx.wake("sessions")


def _undo_loss(tx: Tx, session: Session) -> None:
    """Replace the loss by what is known now, so that it does not come back when its evidence is older than a doubt."""
    process = facts.of_session(tx.sql, session.id, session.created_at).process
    if process is not None:
        lives = msgspec.structs.replace(process, at=tx.now, state="running", detail="")
        facts.learn(tx, session.id, lives, source="service")
    if session.ended_at is not None:
        messages.requeue_failed(tx, session.id, since=session.ended_at)
        children.lives_after_all(tx, session, lost_at=session.ended_at)
        tx.changes.append(FoundAlive(session=session, lost_at=session.ended_at))
