"""What the interface needs from the service; `bot/app.py` provides it."""

from collections.abc import Iterable
from typing import Any, Literal, Protocol

import msgspec

from runtime.errors import UserError
from runtime.view import SessionView


class Unknown(UserError):
    """There is no session or delivery of that name."""


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the journal; times are ISO 8601 in UTC."""

    guid: str
    event: str
    action: str | None
    state: str
    received_at: str
    attempts: int
    session_key: str | None = None
    skip_reason: str | None = None
    error: str | None = None
    finished_at: str | None = None


class HandlerRun(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One handler that has finished with a delivery."""

    handler: str
    done_at: str
    skip_reason: str | None = None


class DeliveryDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A delivery with what became of it; `payload` is null once retention has dropped the body."""

    delivery: DeliveryView
    handlers: list[HandlerRun]
    records: list["RecordView"]
    payload: Any = None


class RecordView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the audit trail."""

    id: int
    at: str
    kind: str
    session_id: str | None
    summary: str
    delivery_id: int | None = None
    data: dict[str, Any] = {}


class Sent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a message, as far as the caller wanted to wait."""

    message_id: int
    result: Literal["processing", "queued", "unconfirmed"]


class Killed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The session has ended, now or before; `preserved` names what was kept of unpushed work."""

    already_terminated: bool
    preserved: str | None = None


class ProjectStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One project; `problems` says why it does not work."""

    id: str
    repo: str
    problems: list[str] = []


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the service is and does."""

    version: str
    pid: int
    started_at: str
    projects: list[ProjectStatus]
    live_sessions: int
    open_deliveries: int
    dead_deliveries: int
    api_calls: int = 0


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value for Prometheus."""

    name: str
    help: str
    value: float
    kind: Literal["counter", "gauge"] = "gauge"
    labels: dict[str, str] = {}


class ServicePort(Protocol):
    """The running service; a UserError it raises is shown to the caller, `Unknown` as not found."""

    def sessions(self, *, project: str | None, ended: bool) -> tuple[list[SessionView], int]:
        """Return the sessions, oldest first, and how many ended ones were left out."""
        ...

    def session(self, name: str) -> SessionView:
        """Return one session."""
        ...

    async def kill(self, name: str) -> Killed:
        """End a session; returns when that is committed, its worktree may go a moment later."""
        ...

    async def send(self, name: str, text: str, *, author: str | None, wait: bool, patience: float | None) -> Sent:
        """Commit a message and, with `wait`, watch until it is taken in, for `patience` seconds or the `send_wait`."""
        ...

    def deliveries(self, *, state: str | None, limit: int) -> list[DeliveryView]:
        """Return the newest deliveries, newest first."""
        ...

    def delivery(self, guid: str) -> DeliveryDetail:
        """Return one delivery with its handlers and records."""
        ...

    async def replay(self, guid: str, *, force: bool) -> DeliveryView:
        """Queue a delivery again; `force` also repeats handlers that had finished."""
        ...

    def status(self) -> ServiceStatus:
        """Return what the service is doing."""
        ...

    def records(self, *, after: int, limit: int) -> list[RecordView]:
        """Return the next records after an id, oldest first."""
        ...

    def newest_record(self) -> int:
        """Return the id of the newest record, 0 when there is none."""
        ...

    async def records_changed(self, *, after: int) -> None:
        """Wait until there is a record with a greater id; may return early."""
        ...

    async def not_ready(self) -> list[str]:
        """Return why the service cannot work now: the store or tmux does not answer."""
        ...

    def figures(self) -> Iterable[Figure]:
        """Return the values for Prometheus."""
        ...
