"""The Starlette application behind the socket."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from bot.api.metrics import CONTENT_TYPE, exposition
from bot.api.openapi import describe
from bot.api.operation import BadRequest, Operation, Unknown, perform
from bot.api.operations import OPERATIONS
from bot.api.port import ServicePort
from bot.api.records import follow
from runtime.errors import NotAllowed, Retryable, UserError, WrongUse

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]

BODY_LIMIT = 1024 * 1024
_JSON = "application/json"
_TOO_LARGE = f"The body is larger than {BODY_LIMIT:,} bytes; send less."
STOPPING = "The service is stopping; ask again when it is back."
_OURS = "The service failed at this; its log says why."
_NOTHING = "There is nothing here; /api/v1/openapi.json lists what is."
_STATUS = {Unknown: 404, BadRequest: 400, NotAllowed: 403, WrongUse: 422, UserError: 409}


def private_app(service: ServicePort) -> Starlette:
    """Return the application; it trusts whoever can open its socket."""
    routes = [Route(op.path, _endpoint(op, service), methods=[op.method]) for op in OPERATIONS]
    return Starlette(
        routes=[*routes, *_others(service)],
        exception_handlers={UserError: _user_error, Retryable: _busy, HTTPException: _http_error, Exception: _failed},
    )


def _endpoint(operation: Operation, service: ServicePort) -> Endpoint:
    async def answer(request: Request) -> Response:
        raw = {**request.query_params, **request.path_params}
        body = await _body(request) if operation.body else b""
        try:
            return Response(await perform(operation, service, raw, body), media_type="application/json")
        except asyncio.CancelledError:  # the server's way to end what takes longer than its own end
            return problem(503, STOPPING, **{"Retry-After": "1"})

    return answer


async def _body(request: Request) -> bytes:
    """Return the body; refuses one that is too large before it is read whole, and one that says it is not JSON."""
    body = bytearray()
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT:
        raise HTTPException(413, _TOO_LARGE)
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            raise HTTPException(413, _TOO_LARGE)
    kind = request.headers.get("content-type", _JSON).partition(";")[0].strip().lower()
    if body and kind != _JSON:
        raise HTTPException(415, f"The body is {kind or 'of no type'}; send JSON with Content-Type: {_JSON}.")
    return bytes(body)


def _others(service: ServicePort) -> list[Route]:
    async def records(request: Request) -> Response:
        return follow(service.records, request)

    async def openapi(_: Request) -> Response:
        return Response(json.dumps(describe(version("agent-orchestrator"))), media_type="application/json")

    async def ready(_: Request) -> Response:
        reasons = await service.not_ready()
        return problem(503, "; ".join(reasons)) if reasons else Response("ready\n", media_type="text/plain")

    async def metrics(_: Request) -> Response:
        return Response(exposition(service.figures()), headers={"content-type": CONTENT_TYPE})

    return [
        Route("/api/v1/records", records),
        Route("/api/v1/openapi.json", openapi),
        Route("/readyz", ready),
        Route("/metrics", metrics),
    ]


def problem(status: int, detail: str, **headers: str) -> Response:
    """Return an `application/problem+json` answer (https://www.rfc-editor.org/rfc/rfc9457)."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(json.dumps(body), status, headers, media_type="application/problem+json")


async def _user_error(_: Request, error: Exception) -> Response:
    status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    return problem(status, str(error))


async def _busy(_: Request, error: Exception) -> Response:
    after = error.after if isinstance(error, Retryable) else 1.0
    return problem(503, f"{error}; try again in a moment.", **{"Retry-After": str(max(1, round(after)))})


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return problem(500, _OURS)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(_methods(request)))
        return problem(405, f"{request.method} is not for this address; it takes {allowed}.", Allow=allowed)
    return problem(error.status_code, _NOTHING if error.status_code == HTTPStatus.NOT_FOUND else error.detail)


def _methods(request: Request) -> set[str]:
    """Return what the address can be asked, by all of its routes."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
    return {method for route in routes for method in route.methods or ()}


async def _failed(request: Request, error: Exception) -> Response:
    log.error("request failed", extra={"path": request.url.path}, exc_info=error)
    return problem(500, _OURS)
