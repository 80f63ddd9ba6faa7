"""One transaction: what a job on the writer thread gets to work with."""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from runtime import trail
from runtime.redact import without_secrets
from runtime.store import schema

_ADD = schema.records.insert()


class Tx:
    """The open transaction; everything written through it is on disk together or not at all."""

    def __init__(
        self, sql: sa.Connection, now: float, *, cause: int | None = None, redact: trail.Redact = without_secrets
    ) -> None:
        self.sql = sql
        self.now = now
        self.redact = redact
        """Takes secrets out of text that is kept for people to read, such as reasons and errors."""
        self.cause = cause
        """The delivery that made this happen, if one did; records carry it."""
        self.source: trail.Source = "service" if cause is None else "github"
        """Who made this happen; records carry it."""
        self.touched: set[str] = set()
        """Sessions whose facts changed: their status is judged before the commit."""
        self.changes: list[Any] = []
        """What outbound stories are told before the commit."""
        self.edit_interval = 0.0
        """Seconds between two edits of one comment; the announcer's policy."""
        self.at_end: list[Callable[[], object]] = []
        """What is left to write once all statuses are judged, before the commit."""
        self.topics: set[str] = set()
        """Whom to wake after the commit."""

    def wake(self, topic: str) -> None:
        """Wake whoever waits for `topic`, after the commit."""
        self.topics.add(topic)

    def record(
        self,
        kind: str,
        summary: str,
        *,
        session_id: str | None = None,
        level: str | None = None,
        data: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> int:
        """Add a line to the audit trail and return its id; `runtime.trail.KINDS` says which kinds there are.

        Secrets are taken out, long texts cut: hand over what happened, not whole documents.
        """
        known = trail.KINDS.get(kind)
        added = self.sql.execute(
            _ADD,
            {
                "at": self.now, "kind": kind, "session_id": session_id, "delivery_id": self.cause,
                "summary": trail.line(summary, self.redact), "data": trail.kept({**(data or {}), **more}, self.redact),
                "level": level or (known.level if known else "info"), "source": self.source,
            },
        )  # fmt: skip
        self.topics.add("records")
        return new_id(added)


def new_id(added: sa.CursorResult[Any]) -> int:
    """Return the id that the database gave to an inserted row."""
    return int(added.lastrowid)


Op = Callable[[Tx], Any]
