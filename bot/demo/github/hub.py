"""The local GitHub as one object: start it, give it people and repositories, make trouble, look at what it saw."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.demo.github import site
from bot.demo.github.changes import apps, repositories
from bot.demo.github.faults import Faults
from bot.demo.github.people import Delivery, Installation, Json
from bot.demo.github.records import Repository
from bot.demo.github.routes.apps import conversion
from bot.demo.github.server import Server
from bot.demo.github.world import Seen, World

ACTIONS = {"name": "GitHub Actions", "url": "https://docs.github.com/actions"}


def _clock() -> datetime:
    return datetime.now(UTC)


class LocalGitHub:
    """A GitHub of our own under `root`; `app` is its ASGI application, `url` its address once it is known."""

    def __init__(self, root: Path, *, url: str = "", clock: Callable[[], datetime] = _clock) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.world = World(root, clock, url)
        github = apps.add_user(self.world, "github", "Organization")
        apps.add_app(self.world, github, {**ACTIONS, "default_permissions": {"checks": "write"}}, public_key=b"")
        self.app = site.build(self.world)
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address, empty before the start."""
        return self.world.url

    @property
    def faults(self) -> Faults:
        """The troubles to make."""
        return self.world.faults

    @property
    def requests(self) -> list[Seen]:
        """Every request that arrived, those of the control plane excepted."""
        return self.world.requests

    @property
    def deliveries(self) -> list[Delivery]:
        """Every webhook sent, in the order of sending."""
        return self.world.outgoing.sent

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve in this event loop and return when connections are accepted."""
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise OSError(
                f"port {port} cannot be used ({os.strerror(error.errno or 0)}): choose another one, or 0"
            ) from error
        config = uvicorn.Config(self.app, log_config=None, access_log=False, lifespan="off")
        self._server = Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.ready.wait()
        self.world.url = self.world.url or f"http://{host}:{listener.getsockname()[1]}"

    async def stop(self) -> None:
        """End background work and the server; what is in memory is gone, the repositories stay."""
        await self.world.background.stop()
        if self._server is not None and self._serving is not None:
            self._server.end()
            await self._serving
        await self.world.outgoing.close()

    async def idle(self) -> None:
        """Return when all webhooks are sent and no continuous integration runs."""
        await self.world.background.idle()

    def add_user(self, login: str, *, type: str = "User") -> str:
        """Make an account and return a personal token of it."""
        return apps.personal_token(self.world, apps.add_user(self.world, login, type))

    def add_repository(
        self, owner: str, name: str, *, files: dict[str, str], private: bool = False, description: str | None = None
    ) -> Repository:
        """Make a repository whose `main` has one commit of these files; blocks for some milliseconds."""
        account = self.world.user(owner)
        return repositories.create(self.world, account, name, files, private=private, description=description)

    def fork(self, repo_full_name: str, owner: str) -> Repository:
        """Copy a repository's branches to another account."""
        source = self.world.repository(repo_full_name)
        account = self.world.user(owner)
        return repositories.create(self.world, account, source.name, {}, private=source.private, parent=source)

    def set_role(self, repo_full_name: str, login: str, role: str) -> None:
        """Give a user a role: none, read, triage, write, maintain or admin."""
        repositories.set_role(self.world.repository(repo_full_name), self.world.user(login), role)

    def create_app(self, owner: str, manifest: Json, *, key: rsa.RSAPrivateKey | None = None) -> Json:
        """Make an app without the browser's steps; the answer is that of the manifest's conversion."""
        code = apps.keep_manifest(self.world, self.world.user(owner), manifest)
        return conversion(self.world, *apps.convert(self.world, code, key))

    def install(self, slug: str, repo_full_names: list[str]) -> Installation:
        """Install an app on repositories of one account."""
        chosen = [self.world.repository(name) for name in repo_full_names]
        return apps.install(self.world, self.world.apps[slug], chosen[0].owner, chosen, "selected")
