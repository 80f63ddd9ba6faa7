"""One local GitHub with a small project, an installed app, and a place where its webhooks arrive."""

import asyncio
import json
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.demo.github import LocalGitHub
from bot.demo.github.server import Server

WORKFLOW = """
name: ci
on: [push]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Run the tests
        run: sh ./test.sh
"""
TEST = """test -f greeting.txt || {
  echo 'test.sh:1: there is no greeting'
  exit 1
}
echo fine
"""
FILES = {
    "README.md": "# Garden\n",
    "app.py": "".join(f"line {n}\n" for n in range(1, 21)),
    "test.sh": TEST,
    ".github/workflows/ci.yml": WORKFLOW,
}
PERMISSIONS = {
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "write",
    "statuses": "read",
    "actions": "read",
}
EVENTS = [
    "issues",
    "issue_comment",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "check_run",
    "check_suite",
    "status",
    "push",
    "label",
]
# Made once: a new one for each test would be the slowest part of it.
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the certificates anew for each client takes long
REPO = "/repos/alice/garden"


@dataclass
class Inbox:
    """Where webhooks arrive; `answer` is the status that they get."""

    url: str = ""
    answer: int = 202
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.received.append((headers["x-github-event"], headers, body))
        await send({"type": "http.response.start", "status": self.answer, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    def names(self) -> list[str]:
        """`event.action` of all that arrived."""
        actions = [(event, json.loads(body).get("action")) for event, _, body in self.received]
        return [f"{event}.{action}" if action else event for event, action in actions]

    def payloads(self, name: str) -> list[dict[str, Any]]:
        """The payloads of one kind, `event.action` or `event`."""
        return [
            json.loads(body) for known, (_, _, body) in zip(self.names(), self.received, strict=True) if known == name
        ]


class Person(httpx.AsyncClient):
    """Somebody with a token, like curl."""

    def __init__(self, hub: LocalGitHub, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(base_url=hub.url, headers=headers, timeout=30, verify=NO_TLS)
        self.token = token

    async def json(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """Ask, expect success (or a status), and return what the answer says."""
        answer = await self.request(method, path, json=body)
        expected = answer.is_success if status is None else answer.status_code == status
        assert expected, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


@dataclass
class Place:
    """Everything a test needs."""

    hub: LocalGitHub
    inbox: Inbox
    alice: Person
    bob: Person
    eve: Person
    anyone: Person
    bot: Person
    app: dict[str, Any]
    installation: int

    def app_jwt(self, **claims: Any) -> str:
        """A JWT of the app."""
        now = int(self.hub.world.now().timestamp())
        claims = {"iat": now - 60, "exp": now + 500, "iss": self.app["client_id"], **claims}
        return jwt.encode(claims, self.app["pem"], algorithm="RS256")


@pytest.fixture
async def inbox():
    """A server that takes webhooks."""
    inbox = Inbox()
    listener = socket.create_server(("127.0.0.1", 0))
    inbox.url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhook"
    server = Server(uvicorn.Config(inbox, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    yield inbox
    server.end()
    await serving


@pytest.fixture
async def hub(tmp_path):
    """An empty local GitHub."""
    hub = LocalGitHub(tmp_path / "hub")
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
async def place(hub, inbox):
    """alice's repository `garden`: bob may write, eve only read, the app `gardener` is installed."""
    people = {login: Person(hub, hub.add_user(login)) for login in ("alice", "bob", "eve")}
    hub.add_repository("alice", "garden", files=FILES)
    hub.set_role("alice/garden", "bob", "write")
    manifest = {
        "name": "gardener",
        "url": "https://example.com",
        "hook_attributes": {"url": inbox.url},
        "default_permissions": PERMISSIONS,
        "default_events": EVENTS,
    }
    app = hub.create_app("alice", manifest, key=KEY)
    installation = hub.install(app["slug"], ["alice/garden"])
    place = Place(
        hub, inbox, **people, anyone=Person(hub, None), bot=Person(hub, None), app=app, installation=installation.id
    )
    async with Person(hub, place.app_jwt()) as signer:
        token = await signer.json("POST", f"/app/installations/{installation.id}/access_tokens", status=201)
    place.bot = Person(hub, token["token"])
    yield place
    for person in (place.alice, place.bob, place.eve, place.anyone, place.bot):
        await person.aclose()
