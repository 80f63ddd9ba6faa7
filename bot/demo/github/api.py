"""The REST door: lets a call in, runs its handler, adds GitHub's headers, errors and conditional requests."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from bot.demo.github.callers import Caller, identify
from bot.demo.github.calls import Answer, Call, Rest, admit, read_body
from bot.demo.github.git import GitError
from bot.demo.github.refusals import Refusal
from bot.demo.github.world import RATE_LIMIT, World

log = logging.getLogger(__name__)
VERSION = "2022-11-28"
VERSIONS = (VERSION, "2026-03-10")
FREE = frozenset({"/rate_limit"})


def endpoint(world: World, rest: Rest) -> Callable[[Request], Awaitable[Response]]:
    """The Starlette endpoint of a route."""

    async def serve(request: Request) -> Response:
        caller = Caller()
        try:
            check_headers(request)
            caller = identify(world, request.headers.get("authorization", ""))
            request.scope["caller"] = caller.name
            admit(world, rest, caller, request.path_params)
            body = await read_body(request)
            answer = await rest.handle(Call(world, request, caller, body))
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body(), refusal.headers)
        except GitError as error:
            log.warning("git refused", extra={"path": request.url.path, "reason": str(error)})
            answer = Answer(422, Refusal(422, "Reference cannot be updated").body())
        return respond(world, request, caller, answer)

    return serve


def check_headers(request: Request) -> None:
    """Refuse what GitHub refuses before it looks any further."""
    if not request.headers.get("user-agent"):
        message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header."
        raise Refusal(403, message)
    version = request.headers.get("x-github-api-version", VERSION)
    if version not in VERSIONS:
        raise Refusal(400, f"{version!r} is not a supported version: use one of {', '.join(VERSIONS)}")


def respond(world: World, request: Request, caller: Caller, answer: Answer) -> Response:
    """The response with rate limit, version and tag; 304 when the caller has this already, which costs nothing."""
    headers = dict(answer.headers)
    content = answer.encoded()
    if answer.status == 200 and request.method in ("GET", "HEAD"):
        headers["ETag"] = answer.etag(request.headers.get("authorization", ""))
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            answer, content = Answer(304), b""
    costs = answer.status != 304 and request.url.path not in FREE
    headers |= rate_headers(world, caller, 1 if costs else 0)
    headers["X-GitHub-Api-Version-Selected"] = request.headers.get("x-github-api-version", VERSION)
    headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    if content:
        headers["Content-Type"] = "application/json; charset=utf-8"
    return Response(content, answer.status, headers)


def rate_headers(world: World, caller: Caller, cost: int) -> dict[str, str]:
    """Count a request and say where the caller stands."""
    rate = world.rate(caller.name)
    rate.used += cost
    return {
        "X-RateLimit-Limit": str(RATE_LIMIT),
        "X-RateLimit-Remaining": str(max(RATE_LIMIT - rate.used, 0)),
        "X-RateLimit-Used": str(rate.used),
        "X-RateLimit-Reset": str(int(rate.resets_at.timestamp())),
        "X-RateLimit-Resource": "core",
    }
