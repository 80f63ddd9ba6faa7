"""What is to be written on the forge: one row per comment, reaction, label or pull request, each with a key.

    queued ──► sending ──► sent
      ▲           │          │
      └── retry ──┴─► failed └─► queued again when its text was revised

A row is `sending` from before the request until its outcome is known: one that is found there later
may or may not have reached the forge, and is looked up before it is repeated.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from runtime.store.schema import outbox
from runtime.store.tx import Tx

TOPIC = "outbox"

_NEW = insert(outbox)
_WAS_SENT = outbox.c.state == "sent"
_PAUSE = _NEW.excluded.payload["edit_interval"].as_float()
_ENQUEUE = _NEW.on_conflict_do_nothing(index_elements=["key"])
_REVISE = _NEW.on_conflict_do_update(
    index_elements=["key"],
    set_={
        "revision": outbox.c.revision + 1,
        "payload": _NEW.excluded.payload,
        "state": sa.case((_WAS_SENT, "queued"), else_=outbox.c.state),
        "not_before": sa.case((_WAS_SENT, outbox.c.changed_at + _PAUSE), else_=outbox.c.not_before),
        "attempts": sa.case((_WAS_SENT, 0), else_=outbox.c.attempts),
    },
)
_UNSENT = sa.select(outbox).where(outbox.c.state.in_(["queued", "sending"])).order_by(outbox.c.id)
_BY_KEY = sa.select(outbox).where(outbox.c.key == sa.bindparam("named"))


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One row, as the sender sees it."""

    id: int
    key: str
    kind: str
    repo: str
    session_id: str | None
    payload: dict[str, Any]
    revision: int
    sent_revision: int
    state: str
    attempts: int
    not_before: float
    remote_id: str | None
    result: dict[str, Any] | None
    error: str | None
    created_at: float
    changed_at: float

    @property
    def mark(self) -> str:
        """The key in the text's hidden marker: the one that the row was made with."""
        return str(self.payload.get("mark", self.key))

    @property
    def uncertain(self) -> bool:
        """Whether an earlier request may have reached the forge without our learning of it."""
        return self.state == "sending"


def topic_of(key: str) -> str:
    """Return the topic that wakes whoever waits for this row's outcome."""
    return f"{TOPIC}:{key}"


def enqueue(
    tx: Tx,
    *,
    key: str,
    kind: str,
    repo: str,
    payload: dict[str, Any],
    session_id: str | None = None,
    not_before: float = 0.0,
) -> bool:
    """Ask for one write on the forge; False when this key was asked for before."""
    row = _new(tx, key=key, kind=kind, repo=repo, payload=payload, session_id=session_id, not_before=not_before)
    added = tx.sql.execute(_ENQUEUE, row)
    if not added.rowcount:
        return False
    tx.record("outbox_queued", f"{about(kind, payload)} asked for", session_id=session_id, key=key, repo=repo)
    tx.wake(TOPIC)
    return True


def about(kind: str, payload: Mapping[str, Any]) -> str:
    """Return what a row is and where it goes, in a few words."""
    what = payload.get("content") or payload.get("name") or payload.get("head")
    where = payload.get("number") or payload.get("pull")
    return kind.replace("_", " ") + (f" {what}" if what else "") + (f" on #{where}" if where else "")


def revise(
    tx: Tx,
    *,
    key: str,
    repo: str,
    payload: dict[str, Any],
    session_id: str | None = None,
    kind: str = "status_comment",
    edit_interval: float = 0.0,
) -> None:
    """Say that the text behind `key` changed; edits that come quickly become one, `edit_interval` after the last.

    A row that failed for good stays failed: its comment was deleted, or its issue is out of reach.
    """
    payload = payload | {"edit_interval": edit_interval}
    row = _new(tx, key=key, kind=kind, repo=repo, payload=payload, session_id=session_id, not_before=0.0)
    tx.sql.execute(_REVISE, row)
    tx.wake(TOPIC)


def rekey(tx: Tx, before: str, after: str, **payload: Any) -> bool:
    """Let what was written under `before` go by another key, and queue its text anew with more in its payload.

    Its marker stays, so that it is still found when it was uncertain. False when there is no such row.
    """
    row = find(tx.sql, before)
    if row is None:
        return False
    values = {"key": after, "payload": {"mark": row.mark, **row.payload, **payload}, "revision": row.revision + 1}
    again = {"state": "queued", "attempts": 0, "not_before": tx.now} if row.state == "sent" else {}
    tx.sql.execute(outbox.update().where(outbox.c.id == row.id).values(**values, **again))
    tx.wake(TOPIC)
    return True


def _new(tx: Tx, **values: Any) -> dict[str, Any]:
    return {**values, "state": "queued", "created_at": tx.now, "changed_at": tx.now}


def sending(tx: Tx, row: Outgoing) -> None:
    """Note that a request is about to leave."""
    tx.sql.execute(outbox.update().where(outbox.c.id == row.id).values(state="sending", changed_at=tx.now))


def sent(tx: Tx, row: Outgoing, *, remote_id: str | None, result: dict[str, Any]) -> None:
    """Note that the forge has it; a revision made meanwhile is queued."""
    newer = outbox.c.revision > row.revision
    again = tx.now + row.payload.get("edit_interval", 0.0)
    _settle(
        tx, row, state=sa.case((newer, "queued"), else_="sent"), sent_revision=row.revision, remote_id=remote_id,
        result=result, error=None, attempts=0, not_before=sa.case((newer, again), else_=outbox.c.not_before),
    )  # fmt: skip
    tx.record(
        "outbox_sent", f"{about(row.kind, row.payload)} sent", session_id=row.session_id, key=row.key, repo=row.repo,
        remote_id=remote_id, url=result.get("url"),
    )  # fmt: skip


def retry(tx: Tx, row: Outgoing, *, after: float, error: str, uncertain: bool) -> None:
    """Put the row back for `after` seconds; an uncertain one stays `sending` and will be looked up."""
    state, error = "sending" if uncertain else "queued", tx.redact(error)
    _settle(tx, row, state=state, not_before=tx.now + after, attempts=outbox.c.attempts + 1, error=error)
    if error != row.error:  # a forge that is away for a day would say the same hundreds of times
        tx.record(
            "outbox_deferred", f"{about(row.kind, row.payload)} not sent yet: {error}", session_id=row.session_id,
            key=row.key, repo=row.repo, after=after, attempts=row.attempts + 1,
        )  # fmt: skip


def failed(tx: Tx, row: Outgoing, reason: str, *, status: int = 0) -> None:
    """Give the row up; `reason` is kept and recorded."""
    reason = tx.redact(reason)
    _settle(tx, row, state="failed", error=reason, result={"status": status})
    tx.record(
        "outbox_failed", f"{about(row.kind, row.payload)} not sent: {reason}", session_id=row.session_id,
        key=row.key, repo=row.repo, status=status,
    )  # fmt: skip


def _settle(tx: Tx, row: Outgoing, **values: Any) -> None:
    tx.sql.execute(outbox.update().where(outbox.c.id == row.id).values(**values, changed_at=tx.now))
    tx.wake(TOPIC)
    tx.wake(topic_of(row.key))


def unsent(sql: sa.Connection) -> list[Outgoing]:
    """Return all rows that still have to reach the forge, in the order they were asked for."""
    return [Outgoing(**row._mapping) for row in sql.execute(_UNSENT)]


def find(sql: sa.Connection, key: str) -> Outgoing | None:
    """Return the row with this key."""
    row = sql.execute(_BY_KEY, {"named": key}).first()
    return Outgoing(**row._mapping) if row else None


def wrote(sql: sa.Connection, repo: str, remote_id: str, kinds: Collection[str]) -> bool:
    """Say whether we wrote what the forge knows by this id; ids are unique only among rows of these kinds."""
    ours = (outbox.c.repo == repo, outbox.c.remote_id == remote_id, outbox.c.kind.in_(kinds))
    query = sa.select(outbox.c.id).where(*ours).limit(1)
    return sql.execute(query).first() is not None
