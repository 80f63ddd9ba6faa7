"""Gives a session that has nothing yet another number, because the forge has a branch of its name already."""

from typing import Any

import msgspec
import sqlalchemy as sa

from runtime.changes import QueueMoved
from runtime.errors import Retryable
from runtime.sessions import Session, branch_name, session_id
from runtime.store import numbers, schema, sessions
from runtime.store.tx import Tx

T = schema.sessions.c
NAMED = (schema.facts, schema.steps, schema.messages, schema.records, schema.outbox)
"""Tables whose rows belong to a session by its id alone."""


def renumber(tx: Tx, session: Session, prefix: str) -> Session:
    """Return the session under its new id; whatever was known of the old one is known of it.

    Raises:
        Retryable: its status comment is on its way to the forge just now, under the old name.

    """
    outbox = schema.outbox.c
    on_its_way = sa.select(outbox.id).where(outbox.session_id == session.id, outbox.state == "sending")
    if tx.sql.execute(on_its_way).first():
        raise Retryable(f"{session.id} is being announced", after=0.5)
    numbers.raise_floor(tx, session.project, session.number)
    number = numbers.next_free(tx.sql, session.project)
    name = session_id(prefix, number)
    tx.sql.exec_driver_sql("PRAGMA defer_foreign_keys = ON")  # until this transaction ends
    key = name if session.session_key == session.id else session.session_key
    sessions.change(tx, session.id, id=name, number=number, branch=branch_name(name), session_key=key)
    _move_rows(tx, session, name)
    tx.record(
        "renumbered",
        f"{session.id} is {name} now: the forge has a branch {session.branch}",
        session_id=name,
        before=session.id,
    )
    new = msgspec.structs.replace(session, id=name, number=number, branch=branch_name(name), session_key=key)
    tx.changes.append(QueueMoved(session=new, position=new.queue_position))
    tx.touched |= {session.id, name}
    for topic in ("sessions", session.id):
        tx.wake(topic)
    return new


def _move_rows(tx: Tx, session: Session, name: str) -> None:
    old, home = session.id, session.repo.lower()
    for table in NAMED:
        tx.sql.execute(table.update().where(table.c.session_id == old).values(session_id=name))
    tx.sql.execute(schema.sessions.update().where(T.parent == old).values(parent=name))
    status = schema.outbox.c.key == f"{session.repo}:status:{old}"
    tx.sql.execute(schema.outbox.update().where(status).values(key=f"{session.repo}:status:{name}"))
    renamed: dict[str, Any] = {
        f"branch:{home}:{session.branch}": f"branch:{home}:{branch_name(name)}",
        f"trailer:{home}:{old}": f"trailer:{home}:{name}",
    }
    address = schema.addresses.c
    for before, after in renamed.items():
        of = (address.session_id == old, address.address == before)
        tx.sql.execute(schema.addresses.update().where(*of).values(address=after))
    tx.sql.execute(schema.addresses.update().where(address.session_id == old).values(session_id=name))


def name_now(sql: sa.Connection, name: str) -> str:
    """Return what a session is called now; most keep their name."""
    record = schema.records.c
    query = sa.select(record.session_id).where(record.kind == "renumbered", record.data["before"].as_string() == name)
    later = sql.execute(query).scalar()
    return str(later) if later else name
