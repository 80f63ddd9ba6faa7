"""Rows of the inbox."""

from typing import Any

import sqlalchemy as sa

from runtime.changes import Undelivered
from runtime.inbox import ACCEPTED, ANSWERED, FAILED, OF_SESSION, PASTED, QUEUED, Message, origin, same_text, within
from runtime.store import schema, sessions
from runtime.store.tx import Tx, new_id

T = schema.messages.c

_BY_KEY = sa.select(schema.messages).where(T.source_key == sa.bindparam("key"))
_BY_ID = sa.select(schema.messages).where(T.id == sa.bindparam("identity"))
_OF_SESSION = sa.select(schema.messages).where(T.session_id == sa.bindparam("session")).order_by(T.id)
_IN_STATES = _OF_SESSION.where(T.state.in_(sa.bindparam("states", expanding=True)))
_ADD = schema.messages.insert()
_CHANGE = schema.messages.update().where(T.id == sa.bindparam("identity"))

LIVES = 2
ENDS_IT = "the agent has ended {lives} times while it worked on this"


def add(
    tx: Tx,
    session_id: str,
    *,
    kind: str,
    source_key: str,
    author: str,
    parts: dict[str, Any],
    not_before: float = 0.0,
    state: str = QUEUED,
    text: str | None = None,
    expires_at: float | None = None,
) -> int | None:
    """Queue a message; return its id, or None when this source key was queued before."""
    if tx.sql.execute(_BY_KEY, {"key": source_key}).first():
        return None
    added = tx.sql.execute(
        _ADD,
        {
            "session_id": session_id, "kind": kind, "source_key": source_key, "author": author, "parts": parts,
            "state": state, "text": text, "created_at": tx.now, "not_before": not_before, "changed_at": tx.now,
            "expires_at": expires_at,
        },
    )  # fmt: skip
    identity = new_id(added)
    tx.record(
        "message", f"{session_id}: {origin(kind, author)} {state}", session_id=session_id, message=identity,
        state=state, author=author, key=source_key,
    )  # fmt: skip
    tx.wake(session_id)
    return identity


def add_part(tx: Tx, source_key: str, part: str, value: Any, *, not_before: float | None = None) -> bool:
    """Add a part to a message that is still queued; return False when there is no such message any more."""
    row = tx.sql.execute(sa.select(schema.messages).where(T.source_key == source_key, T.state == QUEUED)).first()
    if row is None:
        return False
    values: dict[str, Any] = {"parts": {**row.parts, part: value}}
    if not_before is not None:
        values["not_before"] = not_before
    tx.sql.execute(_CHANGE, {"identity": row.id, **values})
    tx.record(
        "message", f"{row.session_id}: {origin(row.kind, row.author)} is joined by {part}", session_id=row.session_id,
        message=row.id, state=QUEUED, part=part,
    )  # fmt: skip
    tx.wake(row.session_id)
    return True


def release(tx: Tx, source_key: str) -> None:
    """Let a queued message go now instead of at the end of its settle window."""
    waiting = (T.source_key == source_key, T.state == QUEUED)
    row = tx.sql.execute(sa.select(T.session_id).where(*waiting)).first()
    if row is not None:
        tx.sql.execute(schema.messages.update().where(*waiting).values(not_before=0.0))
        tx.wake(row.session_id)


def mark(tx: Tx, message: Message, state: str, evidence: str, *, text: str | None = None) -> None:
    """Move a message to a state, with the evidence for it."""
    values: dict[str, Any] = {"state": state, "evidence": evidence, "changed_at": tx.now}
    if text is not None:
        values["text"] = text
    tx.sql.execute(_CHANGE, {"identity": message.id, **values})
    tx.record(
        "message", f"{message.session_id}: {message.origin} {state}: {evidence}",
        session_id=message.session_id, level="warning" if state == FAILED else None, message=message.id, state=state,
        evidence=evidence,
    )  # fmt: skip
    tx.wake(message.session_id)
    tx.wake(f"message:{message.id}")


def put_back(tx: Tx, message: Message, state: str, evidence: str, *, attempts: int) -> None:
    """Let a message be tried again, for the reason in `evidence`."""
    values = {"state": state, "evidence": evidence, "attempts": attempts, "changed_at": tx.now}
    tx.sql.execute(schema.messages.update().where(T.id == message.id, T.state == PASTED).values(**values))
    tx.record(
        "message", f"{message.session_id}: {message.origin} not taken in: {evidence}",
        session_id=message.session_id, level="warning", message=message.id, state=state, evidence=evidence,
        attempts=attempts,
    )  # fmt: skip
    tx.wake(f"message:{message.id}")


def note(tx: Tx, message: Message, why: str) -> None:
    """Say why a message waits; its state stays."""
    tx.sql.execute(_CHANGE, {"identity": message.id, "evidence": why})
    tx.record(
        "message", f"{message.session_id}: {message.origin} waits: {why}",
        session_id=message.session_id, message=message.id, state=message.state, waits=why,
    )  # fmt: skip


def fail(tx: Tx, message: Message, why: str) -> None:
    """Give a message up, and tell the outbound stories, so that whoever wrote it hears of it."""
    mark(tx, message, FAILED, why)
    if session := sessions.get(tx.sql, message.session_id):
        tx.changes.append(Undelivered(session=session, message=message, why=why))


def requeue(tx: Tx, identity: int, why: str) -> bool:
    """Let a message that was given up be tried once more; False when it was not."""
    message = get(tx.sql, identity)
    if message is None or message.state != FAILED:
        return False
    tx.sql.execute(_CHANGE, {"identity": identity, "attempts": 0})
    mark(tx, message, QUEUED if message.text is None else PASTED, why)
    return True


def of_session(sql: sa.Connection, session_id: str, *states: str) -> list[Message]:
    """Return a session's messages in the order they came, optionally only those in some states."""
    asked = sql.execute(_IN_STATES if states else _OF_SESSION, {"session": session_id, "states": states})
    return [Message(**row) for row in asked.mappings()]


def waiting_of(sql: sa.Connection, which: sa.Select[tuple[str]]) -> dict[str, list[Message]]:
    """Return what still has to reach the agents of the sessions of these ids, in the order it came."""
    found: dict[str, list[Message]] = {}
    query = sa.select(schema.messages).where(T.session_id.in_(which), T.state.in_((QUEUED, PASTED))).order_by(T.id)
    for row in sql.execute(query).mappings():
        found.setdefault(row["session_id"], []).append(Message(**row))
    return found


def get(sql: sa.Connection, identity: int) -> Message | None:
    """Return one message."""
    row = sql.execute(_BY_ID, {"identity": identity}).mappings().first()
    return Message(**row) if row else None


def by_key(sql: sa.Connection, source_key: str) -> Message | None:
    """Return the message of a source key."""
    row = sql.execute(_BY_KEY, {"key": source_key}).mappings().first()
    return Message(**row) if row else None


def typed_lately(sql: sa.Connection, session_id: str, *, limit: int = 20) -> list[str]:
    """Return what was typed into a session's terminal, the newest first."""
    query = sa.select(T.text).where(T.session_id == session_id, T.text.is_not(None)).order_by(T.changed_at.desc())
    return list(sql.execute(query.limit(limit)).scalars())


def take_in(tx: Tx, session_id: str, text: str) -> Message | None:
    """Mark the message whose text the agent says it has taken in, and return it.

    None means that a person typed it. The oldest match wins when the same text was sent twice. A message that was
    given up is taken in all the same when the agent says so; so is one that was joined to a draft.
    """
    for message in of_session(tx.sql, session_id, PASTED):
        if message.text is not None and same_text(message.text, text):
            mark(tx, message, ACCEPTED, "the agent reported the prompt")
            return message
    for message in reversed(of_session(tx.sql, session_id, PASTED, FAILED)):
        if message.text is not None and within(message.text, text):
            mark(tx, message, ACCEPTED, "the agent reported the prompt, late or with something before it")
            return message
    return None


def answer(tx: Tx, session_id: str, why: str = "the turn ended") -> tuple[Message, ...]:
    """Mark what the finished turn has answered, and return it."""
    answered = of_session(tx.sql, session_id, ACCEPTED)
    for message in answered:
        mark(tx, message, ANSWERED, why)
    return tuple(answered)


def ask_again(tx: Tx, session_id: str, why: str) -> None:
    """Queue again what an agent had taken in when it ended, the task itself left out: nobody will answer it.

    What has ended an agent again and again is given up.
    """
    for message in of_session(tx.sql, session_id, ACCEPTED):
        if message.kind == "task":
            continue
        if message.attempts >= LIVES:
            fail(tx, message, ENDS_IT.format(lives=LIVES + 1))
            continue
        tx.sql.execute(_CHANGE, {"identity": message.id, "attempts": message.attempts + 1})
        mark(tx, message, QUEUED, why)


def fail_waiting(tx: Tx, session_id: str, why: str) -> None:
    """Fail everything that can no longer reach the agent; what other sessions say waits for its return."""
    for message in of_session(tx.sql, session_id, QUEUED, PASTED):
        if message.kind != OF_SESSION:
            fail(tx, message, why)


def requeue_failed(tx: Tx, session_id: str, *, since: float) -> None:
    """Queue again what was failed since a moment only because the session was taken for ended.

    What was being typed then is first looked for, as after a crash.
    """
    for message in of_session(tx.sql, session_id, FAILED):
        expired = message.expires_at is not None and message.expires_at <= tx.now
        if message.changed_at >= since and not expired:
            mark(tx, message, QUEUED if message.text is None else PASTED, "the session lives after all")
