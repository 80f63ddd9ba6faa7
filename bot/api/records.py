"""The audit trail on the interface, also as server-sent events, resumable with Last-Event-ID."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse

from bot.api.operation import BadRequest

BATCH = 200
HEARTBEAT_S = 15.0
"""A comment line this often shows a reader behind a proxy that the stream lives."""


class RecordView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the audit trail."""

    id: int
    at: str
    kind: str
    session_id: str | None
    summary: str
    delivery_id: int | None = None
    data: dict[str, Any] = {}


class RecordsPort(Protocol):
    """Reads the audit trail."""

    def after(self, id: int, *, limit: int) -> list[RecordView]:
        """Return the next records after an id, oldest first."""
        ...

    def newest(self) -> int:
        """Return the id of the newest record, 0 when there is none."""
        ...

    async def changed(self, *, after: int) -> None:
        """Wait until there is a record with a greater id; may return early."""
        ...


def follow(records: RecordsPort, request: Request) -> StreamingResponse:
    """Answer with the records after the given one, or from now on, for as long as the reader stays."""
    given = request.headers.get("last-event-id") or request.query_params.get("after")
    if given is not None and not given.isdecimal():
        raise BadRequest(f"{given!r} is not a record's number; use the id of the last record you have.")
    after = int(given) if given is not None else records.newest()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(records, after), media_type="text/event-stream", headers=headers)


async def _stream(records: RecordsPort, after: int) -> AsyncIterator[bytes]:
    yield b": from %d\n\n" % after
    while True:
        found = records.after(after, limit=BATCH)
        for record in found:
            after = record.id
            yield b"id: %d\nevent: record\ndata: %s\n\n" % (record.id, msgspec.json.encode(record))
        if not found and not await _changed(records, after):
            yield b": alive\n\n"


async def _changed(records: RecordsPort, after: int) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            await records.changed(after=after)
    except TimeoutError:
        return False
    return True
