"""What every request passes first: other forms of addresses, troubles on request, and the list of what arrived."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.demo.github.faults import Fault
from bot.demo.github.people import Json
from bot.demo.github.refusals import DOCS
from bot.demo.github.world import RATE_LIMIT, Seen, World

BY_NUMBER = re.compile(r"^/repositories/(\d+)")
SHARED = re.compile(r"/|/apps/[^/]+")
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


class Entrance:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self.app = app
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["path"] = self._usual(scope["path"])
        if _wants_page(scope):
            scope["path"] = f"/_pages{scope['path']}"
        if scope["path"].startswith(("/_local", "/_pages")):
            await self.app(scope, receive, send)
            return
        with contextlib.suppress(asyncio.CancelledError):  # only the end of the server cancels, nobody listens then
            await self._watched(scope, receive, send)

    def _usual(self, path: str) -> str:
        if path == "/api/graphql":
            return "/graphql"
        if path == "/api/v3" or path.startswith("/api/v3/"):
            path = path.removeprefix("/api/v3") or "/"
        match = BY_NUMBER.match(path)
        if match:
            number = int(match.group(1))
            names = [repo.full_name for repo in self.world.repositories.values() if repo.id == number]
            return f"/repos/{names[0]}{path[match.end() :]}" if names else path
        return path

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.monotonic(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        fault = self.world.faults.for_request(scope["method"], scope["path"])
        try:
            await self._faulty(fault, scope, receive, note)
        finally:
            agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
            caller, seconds = str(scope.get("caller", "")), time.monotonic() - began
            seen = Seen(scope["method"], scope["path"], caller, status, self.world.now(), seconds, agent)
            seen.fault = fault.kind if fault else ""
            self.world.requests.append(seen)

    async def _faulty(self, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        if fault is None:
            await self.app(scope, receive, send)
            return
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
            return
        if fault.after:
            await self.app(scope, receive, _swallow)
        await _answer(send, *self._trouble(fault))

    def _trouble(self, fault: Fault) -> tuple[int, str, dict[str, str]]:
        wait = {"retry-after": str(int(fault.seconds) or 60)}
        if fault.kind == "secondary":
            return 403, SECONDARY, wait
        if fault.kind == "too_many":
            return 429, SECONDARY, wait
        if fault.kind == "exhausted":
            reset = int(self.world.now().timestamp() + (fault.seconds or 60))
            headers = {"limit": RATE_LIMIT, "remaining": 0, "used": RATE_LIMIT, "reset": reset, "resource": "core"}
            named = {f"x-ratelimit-{name}": str(value) for name, value in headers.items()}
            return 403, "API rate limit exceeded for this caller.", named
        return fault.status, "Server Error", {}


def _wants_page(scope: Scope) -> bool:
    """Whether a browser asks at an address where the API and a page both answer."""
    accepts = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
    return "text/html" in accepts and bool(SHARED.fullmatch(scope["path"]))


async def _swallow(message: MutableMapping[str, Any]) -> None:
    """Let an answer vanish: what was asked is done, but the caller never hears of it."""


async def _answer(send: Send, status: int, message: str, headers: dict[str, str]) -> None:
    body: Json = {"message": message, "documentation_url": DOCS, "status": str(status)}
    named = {"content-type": "application/json; charset=utf-8", **headers}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
