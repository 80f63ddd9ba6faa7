"""The journal of deliveries: claimed before they are acknowledged, done when everything they cause is committed.

A delivery is `queued`, `running`, `done`, `ignored` (nobody asked for such) or `dead` (given up, with the reason).
`attempts` counts the runs that failed or died with the service.
"""

import enum
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from runtime.store.bodies import Bodies
from runtime.store.schema import deliveries, handler_runs
from runtime.store.store import Store
from runtime.store.tx import Tx
from runtime.store.writer import Raw

TOPIC = "deliveries"
MOST_CRASHES = 10
"""How often the service may die while a delivery is handled; more than a quick series of kills brings about."""
NO_HANDLER = "no handler"
OPEN = ("queued", "running")
STATES = (*OPEN, "done", "ignored", "dead")

_C = deliveries.c
_OPEN_IDS = sa.select(_C.id).where(_C.state.in_(OPEN)).order_by(_C.id)
_LOAD = sa.select(_C.id, _C.guid, _C.event, _C.body, _C.received_at, _C.attempts, _C.not_before).where(
    _C.id == sa.bindparam("delivery"), _C.state.in_(OPEN)
)
_RUNS = sa.select(handler_runs.c.handler, handler_runs.c.skip_reason).where(
    handler_runs.c.delivery_id == sa.bindparam("delivery")
)
_RAN = handler_runs.insert().prefix_with("OR IGNORE")

# One statement decides: https://www.sqlite.org/lang_upsert.html
_CLAIM = """
INSERT INTO deliveries (guid, body_hash, event, action, body, received_at, state, skip_reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (guid) DO NOTHING
"""
_START = "UPDATE deliveries SET state = 'running', session_key = ?2 WHERE id = ?1 AND state IN ('queued', 'running')"
_KNOWN = "SELECT id, state FROM deliveries WHERE guid = ?"
_REVIVE = """
UPDATE deliveries SET state = 'queued', attempts = 0, not_before = 0, error = NULL, finished_at = NULL, body = ?
WHERE id = ?
"""
_REPLAYED = """
INSERT INTO records (at, kind, source, delivery_id, summary, data)
VALUES (?, 'replay_suspect', 'github', ?, 'The same body came again under another delivery id; it was not run.', ?)
"""


class Claim(enum.Enum):
    """What became of a delivery at the door."""

    QUEUED = "queued"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    REQUEUED = "requeued"
    REPLAY = "replay"


class Arrival(NamedTuple):
    """A verified delivery at the door; `wanted` says whether somebody handles its event and action.

    `fingerprint` is a strong hash of the body, if one has been computed already: a verified signature is one.
    """

    guid: str
    event: str
    action: str | None
    body: bytes
    wanted: bool
    fingerprint: bytes | None = None


class Delivery:
    """A delivery that is to be handled."""

    def __init__(
        self, *, id: int, guid: str, event: str, body: bytes, received_at: float, attempts: int, not_before: float
    ) -> None:
        self.id = id
        self.guid = guid
        self.event = event
        self.body = body
        self.received_at = received_at
        self.attempts = attempts
        self.not_before = not_before

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The body's JSON object; decoded when first asked for.

        Raises:
            msgspec.DecodeError: the body is not JSON; the receiver lets only JSON in.

        """
        return msgspec.json.decode(self.body, type=dict[str, Any])


class Journal:
    """Claims deliveries and remembers how far each has come."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._bodies = Bodies()

    async def claim(self, arrival: Arrival) -> Claim:
        """Store the delivery unless it is known by its id or body; returns once it is on disk.

        A dead delivery that GitHub sends again under its id is queued again.

        Raises:
            StoreBusy: nothing could be written, so nothing may be acknowledged.

        """
        digest, now = arrival.fingerprint or sha256(arrival.body).digest(), self.store.clock()
        return await self.store.write_raw(lambda raw: _claim(raw, self._bodies, arrival, digest, now), wake=TOPIC)

    def open_ids(self) -> list[int]:
        """Return the ids of everything queued or running, oldest first."""
        return [row.id for row in self.store.rows(_OPEN_IDS)]

    def load(self, id: int) -> Delivery | None:
        """Return the delivery if it is still open."""
        rows = self.store.rows(_LOAD, {"delivery": id})
        return Delivery(**rows[0]._mapping) if rows else None

    def finished_handlers(self, id: int) -> set[str]:
        """Return the handlers that need not run again."""
        return {row.handler for row in self.store.rows(_RUNS, {"delivery": id})}

    async def start(self, id: int, key: str) -> bool:
        """Mark an open delivery as running; False when it is not open any more.

        The mark only counts the deaths of the service, so it does not wait for the disk.
        """

        def job(raw: Raw) -> bool:
            return bool(raw.sqlite.execute(_START, (id, key)).rowcount)

        return await self.store.write_raw(job, synced=False)

    async def finish(self, id: int) -> None:
        """Mark a running delivery as done that leaves no handler to run."""
        await self.store.write(lambda tx: finish(tx, id), cause=id)

    async def release(self, id: int) -> None:
        """Give a running delivery back unharmed, because the service stops."""
        await self.store.write(lambda tx: _move(tx, id, "running", state="queued"))

    async def retry(self, id: int, *, not_before: float, error: str) -> None:
        """Queue a delivery again after a failed run, counting the attempt."""
        await self.store.write(lambda tx: _retry(tx, id, not_before, error), cause=id)

    async def bury(self, id: int, reason: str) -> None:
        """Move a delivery to the dead letters, with a record."""
        await self.store.write(lambda tx: _bury(tx, id, reason), cause=id)

    async def recover(self) -> int:
        """Queue again what was running when the service died; what was running too often is dead.

        Returns how many deliveries are open.
        """
        return await self.store.write(_recover)


def mark_handler(tx: Tx, id: int, handler: str, skip_reason: str | None, *, session_id: str | None = None) -> None:
    """Note that a handler is through with a delivery; belongs into the transaction of its operations."""
    if skip_reason is not None:
        skip_reason = tx.redact(skip_reason)
        tx.record("skip", f"{handler}: {skip_reason}", session_id=session_id, handler=handler, reason=skip_reason)
    done = {"delivery_id": id, "handler": handler, "done_at": tx.now, "skip_reason": skip_reason}
    tx.sql.execute(_RAN, done)


def finish(tx: Tx, id: int) -> None:
    """Mark a delivery as done; when every handler skipped it, their reasons are its own."""
    runs = [run.skip_reason for run in tx.sql.execute(_RUNS, {"delivery": id})]
    reasons = dict.fromkeys(reason for reason in runs if reason) if all(runs) else {}
    skip_reason = "; ".join(reasons) or (None if runs else NO_HANDLER)
    if not runs:
        tx.record("skip", NO_HANDLER, reason=NO_HANDLER)
    _move(tx, id, "running", state="done", finished_at=tx.now, error=None, skip_reason=skip_reason)


def _claim(raw: Raw, bodies: Bodies, arrival: Arrival, digest: bytes, now: float) -> Claim:
    guid, event, action, body, wanted, _ = arrival
    first = bodies.first(raw.sqlite, digest, now)
    if first is None:
        state, reason = ("queued", None) if wanted else ("ignored", "no handler for this event and action")
        written = raw.sqlite.execute(_CLAIM, (guid, digest, event, action, body, now, state, reason))
        if written.rowcount and written.lastrowid:
            bodies.add(raw.sqlite, digest, written.lastrowid, now)
            return Claim.QUEUED if wanted else Claim.IGNORED
    known = raw.sqlite.execute(_KNOWN, (guid,)).fetchone()
    if known is None:
        data = msgspec.json.encode({"guid": guid, "event": event}).decode()
        raw.sqlite.execute(_REPLAYED, (now, first, data))
        return Claim.REPLAY
    if known[1] != "dead":
        return Claim.DUPLICATE
    raw.sqlite.execute(_REVIVE, (body, known[0]))
    return Claim.REQUEUED


def _move(tx: Tx, id: int, *before: str, **values: Any) -> bool:
    here = (deliveries.c.id == id, deliveries.c.state.in_(before))
    return bool(tx.sql.execute(deliveries.update().where(*here).values(**values)).rowcount)


def _retry(tx: Tx, id: int, not_before: float, error: str) -> None:
    error, attempts = tx.redact(error), deliveries.c.attempts + 1
    if _move(tx, id, "running", state="queued", attempts=attempts, not_before=not_before, error=error):
        tx.record("delivery_failed", error, again_at=not_before)


def _bury(tx: Tx, id: int, reason: str) -> None:
    reason = tx.redact(reason)
    if _move(tx, id, "running", state="dead", finished_at=tx.now, error=reason):
        tx.record("delivery_dead", reason)


def _recover(tx: Tx) -> int:
    c = deliveries.c
    worn_out = sa.select(c.id, c.attempts).where(c.state == "running", c.attempts >= MOST_CRASHES)
    for row in tx.sql.execute(worn_out).all():
        tx.cause = row.id
        _bury(tx, row.id, f"the service died while this was handled, attempt {row.attempts + 1}")
    tx.cause = None
    again = deliveries.update().where(c.state == "running").values(state="queued", attempts=c.attempts + 1)
    tx.sql.execute(again)
    return tx.sql.execute(sa.select(sa.func.count()).where(c.state == "queued")).scalar_one()
