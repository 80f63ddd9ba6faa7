"""The audit trail on the interface, also as server-sent events, resumable with Last-Event-ID."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse

from bot.api.operation import BadRequest, Limit, Operation

if TYPE_CHECKING:
    from bot.api.port import ServicePort

BATCH = 200
_NUMBER = re.compile(r"[0-9]{1,18}")
HEARTBEAT_S = 15.0
"""A comment line this often shows a reader behind a proxy that the stream lives."""


class RecordView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the audit trail; `delivery` is the GUID of the delivery that caused it."""

    id: int
    at: str
    kind: str
    level: str = "info"
    source: str = ""
    session_id: str | None
    summary: str
    delivery_id: int | None = None
    delivery: str | None = None
    data: dict[str, Any] = {}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which records; `kind` may name several with commas, `level` is the quietest, `since` is 30m, 2h, 1d or a time."""

    project: str | None = None
    session: str | None = None
    kind: str | None = None
    source: str | None = None
    level: str | None = None
    since: str | None = None


class Search(Wanted, frozen=True, kw_only=True):
    """Which records, and the words that each must have."""

    q: str = ""
    limit: Limit = 50


class RecordsPort(Protocol):
    """Reads the audit trail; a filter that cannot be is a `WrongUse`."""

    async def listing(self, want: Wanted, *, text: str, limit: int) -> list[RecordView]:
        """Return the newest wanted records that have all words of `text`, newest first."""
        ...

    async def counted(self, want: Wanted) -> dict[str, int]:
        """Return how many wanted records there are of each kind, the most frequent first."""
        ...

    def check(self, want: Wanted) -> None:
        """Raise what is wrong with a filter."""
        ...

    def after(self, id: int, want: Wanted, *, limit: int) -> tuple[list[RecordView], int]:
        """Return the next wanted records after an id, oldest first, and the id up to which that is all of them."""
        ...

    def start(self, want: Wanted) -> int:
        """Return the id of the last record before `since`, else of the newest one: where a new reader begins."""
        ...

    def newest(self) -> int:
        """Return the id of the newest record, 0 when there is none."""
        ...

    async def changed(self, *, after: int) -> None:
        """Wait until there is a record with a greater id; may return early."""
        ...

    @property
    def over(self) -> bool:
        """Tell whether the service stops, so that followers should come back later."""
        ...


def follow(records: RecordsPort, request: Request) -> StreamingResponse:
    """Answer with the records after the given one, or since a time, or from now on, as long as the reader stays."""
    given = request.headers.get("last-event-id") or request.query_params.get("after")
    if given is not None and not _NUMBER.fullmatch(given):
        raise BadRequest(f"{given!r} is not a record's number; use the id of the last record you have.")
    want = msgspec.convert(dict(request.query_params), Wanted)
    records.check(want)
    after = min(int(given), records.newest()) if given is not None else records.start(want)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(records, want, after), media_type="text/event-stream", headers=headers)


async def _stream(records: RecordsPort, want: Wanted, after: int) -> AsyncIterator[bytes]:
    """Yield events; an id without data moves the reader's Last-Event-ID past what it did not want.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage
    """
    yield b": from %d\nid: %d\n\n" % (after, after)
    while not records.over:
        found, after = records.after(after, want, limit=BATCH)
        for record in found:
            yield b"id: %d\nevent: record\ndata: %s\n\n" % (record.id, msgspec.json.encode(record))
        if after >= records.newest() and not await _changed(records, after):
            yield b": alive\nid: %d\n\n" % after


async def _changed(records: RecordsPort, after: int) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            await records.changed(after=after)
    except TimeoutError:
        return False
    return True


async def _listing(service: "ServicePort", want: Search, _: None) -> list[RecordView]:
    return await service.records.listing(want, text=want.q, limit=want.limit)


async def _counted(service: "ServicePort", want: Wanted, _: None) -> dict[str, int]:
    return await service.records.counted(want)


_NEWEST, _STATS = "The audit trail, newest first.", "How many records there are of each kind."
OPERATIONS = (
    Operation("GET", "/api/v1/records/search", "searchRecords", _NEWEST, _listing, list[RecordView], Search),
    Operation("GET", "/api/v1/records/counts", "countRecords", _STATS, _counted, dict[str, int], Wanted),
)
