"""The two small servers of `ao setup`: a page for the browser, and an ear for GitHub's first delivery."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import escape

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from runtime.errors import ConfigError

_BODY_LIMIT = 1024 * 1024
_HEARD_AT_MOST = 100
_POLICY = "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Agent Orchestrator</title>
<style nonce="{nonce}">body{{font:16px/1.5 system-ui;max-width:34rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1rem}}</style>
<h1>{title}</h1>{content}"""
_FORM = """<p>GitHub shows what the bot may do, and asks for your consent.</p>
<form method="post" action="{action}"><input type="hidden" name="manifest" value="{manifest}">
<button>Create the App on GitHub</button></form>
<script nonce="{nonce}">document.forms[0].submit()</script>"""
_DONE = "<p>You can close this page; the terminal says what comes next.</p>"
_STALE = "<p>This page belongs to another run. Use the address that the terminal shows now.</p>"


@dataclass
class Page:
    """What the browser is asked, and the code it brings back; only who was given `start` gets the form."""

    manifest: dict[str, object]
    action: str
    state: str
    start: str = field(default_factory=lambda: f"/start/{secrets.token_urlsafe(16)}")
    code: "asyncio.Future[str]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def app(self) -> Starlette:
        """Return the page as an application."""
        return Starlette(routes=[Route(self.start, self._form), Route("/created", self._created)])

    async def _form(self, _: Request) -> Response:
        return self._shown("One click on GitHub", _FORM, action=self.action, manifest=json.dumps(self.manifest))

    async def _created(self, request: Request) -> Response:
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        if not code or not hmac.compare_digest(state.encode(), self.state.encode()):
            return self._shown("Not this time", _STALE, status=403)
        if not self.code.done():
            self.code.set_result(code)
        return self._shown("The App is there", _DONE)

    def _shown(self, title: str, content: str, *, status: int = 200, **values: str) -> Response:
        nonce = secrets.token_urlsafe(16)
        filled = content.format(nonce=nonce, **{name: escape(value) for name, value in values.items()})
        policy = _POLICY.format(nonce=nonce)
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return HTMLResponse(_PAGE.format(nonce=nonce, title=title, content=filled), status, headers)


class Ear:
    """Hears deliveries before their secret is known, and tells later whether one was truly GitHub's."""

    def __init__(self) -> None:
        self._heard: list[tuple[str, bytes]] = []
        self._more = asyncio.Event()

    def app(self) -> Starlette:
        """Return the listener as an application with the service's public paths."""
        return Starlette(
            routes=[
                Route("/webhook", self._webhook, methods=["POST"], max_body_size=_BODY_LIMIT),
                Route("/healthz", self._healthz),
            ]
        )

    async def verified(self, secret: str) -> None:
        """Return when a delivery signed with `secret` has come."""
        while not any(self._signed(secret, *heard) for heard in self._heard):
            self._more.clear()
            await self._more.wait()

    @staticmethod
    def _signed(secret: str, signature: str, body: bytes) -> bool:
        expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.encode())

    async def _webhook(self, request: Request) -> Response:
        body = await request.body()
        self._heard = [*self._heard, (request.headers.get("x-hub-signature-256", ""), body)][-_HEARD_AT_MOST:]
        self._more.set()
        return PlainTextResponse("heard", 202)

    async def _healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok")


class _Server(uvicorn.Server):
    """A server that leaves Ctrl+C to the program."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Install no handlers."""
        yield


@contextlib.asynccontextmanager
async def serving(app: Starlette, host: str, port: int) -> AsyncIterator[int]:
    """Serve inside the block and yield the port; ConfigError when it is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigError(f"{host}:{port} cannot be used ({error.strerror}): choose another port") from error
    server = _Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()
