"""The audit trail as server-sent events, resumable with Last-Event-ID."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse

from bot.api.operations import BadRequest
from bot.api.port import ServicePort

BATCH = 200
HEARTBEAT_S = 15.0
"""A comment line this often shows a reader behind a proxy that the stream lives."""


def follow(service: ServicePort, request: Request) -> StreamingResponse:
    """Answer with the records after the given one, or from now on, for as long as the reader stays."""
    given = request.headers.get("last-event-id") or request.query_params.get("after")
    if given is not None and not given.isdecimal():
        raise BadRequest(f"{given!r} is not a record's number; use the id of the last record you have.")
    after = int(given) if given is not None else service.newest_record()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(service, after), media_type="text/event-stream", headers=headers)


async def _stream(service: ServicePort, after: int) -> AsyncIterator[bytes]:
    yield b": from %d\n\n" % after
    while True:
        records = service.records(after=after, limit=BATCH)
        for record in records:
            after = record.id
            yield b"id: %d\nevent: record\ndata: %s\n\n" % (record.id, msgspec.json.encode(record))
        if not records and not await _changed(service, after):
            yield b": alive\n\n"


async def _changed(service: ServicePort, after: int) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            await service.records_changed(after=after)
    except TimeoutError:
        return False
    return True
