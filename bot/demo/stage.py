"""Sets the stage: a local GitHub with people, a repository and an App, and a service that is configured for it."""

import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.demo import project
from bot.demo.github import LocalGitHub
from bot.demo.person import Person
from bot.demo.service import Service

OWNER, NAME = "demo", "names"
REPO = f"{OWNER}/{NAME}"
PERMISSIONS = {
    "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "read",
    "statuses": "read", "actions": "read",
}  # fmt: skip
EVENTS = [
    "check_run", "check_suite", "issue_comment", "issues", "pull_request", "pull_request_review", "push",
]  # fmt: skip
CONFIG = """defaults: {{agent: {agent}}}
times: {{cleanup_grace: 30s}}
projects:
  names:
    repo: {repo}
    script: {script}
    env: {env}
"""
# What a real agent may take from the environment of whoever plays the demo with it; else it uses its own login.
GIVEN = {
    "claude-code": (
        "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CONFIG_DIR",
    ),
    "codex": ("OPENAI_API_KEY", "OPENAI_BASE_URL", "CODEX_HOME"),
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """Everything a story is played on."""

    home: Path
    hub: LocalGitHub
    service: Service
    maintainer: Person
    reviewer: Person
    stranger: Person
    bot: str
    """The App's slug, or the login of the machine user in token mode."""
    agent: str = "scripted"
    token_mode: bool = False

    @property
    def bot_login(self) -> str:
        """Who writes what the bot writes."""
        return self.bot if self.token_mode else f"{self.bot}[bot]"

    def bot_calls(self) -> int:
        """Return how many API requests the bot has made so far, git's own excepted."""
        return sum(1 for seen in self.hub.requests if self.bot in seen.actor and ".git/" not in seen.path)


def free_port() -> int:
    """Return a loopback port that nothing listens on now, and that nobody is given who asks for any port.

    A connection that its server has closed keeps the port taken for a minute, except for a server that names it.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        server.accept()[0].close()
        client.recv(1)
        return int(server.getsockname()[1])


@asynccontextmanager
async def stage(
    home: Path,
    *,
    agent: str = "scripted",
    speed: float = 1.0,
    serve: list[str] | None = None,
    script: Path | None = None,
    config: str = CONFIG,
    files: dict[str, str] = project.FILES,
    token_mode: bool = False,
) -> AsyncIterator[Stage]:
    """Build everything below `home`, start the service, and take all of it down at the end.

    The bot is an App, or in token mode a machine user with a webhook of the repository.
    """
    hub = LocalGitHub(home / "github")
    await hub.start()
    port = free_port()
    try:
        async with aiohttp.ClientSession() as http:
            people = _people(hub, http, files)
            bot, identity = await (_machine_user if token_mode else _app)(home, hub, http, f"http://127.0.0.1:{port}")
            given = {name: os.environ[name] for name in GIVEN.get(agent, ()) if name in os.environ}
            env = json.dumps({"AO_SPEED": str(speed), **given})
            settings = config.format(agent=agent, repo=REPO, script=script or project.SCRIPT, speed=speed, env=env)
            argv = serve or [sys.executable, "-m", "bot", "serve"]
            service = Service(home, argv, _environment(home, hub.url, port, identity, settings))
            try:
                await service.start()
                await service.ready()
                yield Stage(home, hub, service, *people, bot=bot, agent=agent, token_mode=token_mode)
            finally:
                await service.stop()
                await service.end_terminals()
    finally:
        await hub.stop()


def _people(hub: LocalGitHub, http: aiohttp.ClientSession, files: dict[str, str]) -> tuple[Person, Person, Person]:
    hub.add_user(OWNER, type="Organization")
    roles = {"maintainer": "maintain", "reviewer": "write", "stranger": "read"}
    tokens = {login: hub.add_user(login) for login in roles}
    hub.add_repository(OWNER, NAME, files=files)
    for login, role in roles.items():
        hub.set_role(REPO, login, role)
    maintainer, reviewer, stranger = (Person(http, hub.url, REPO, login, tokens[login]) for login in roles)
    return maintainer, reviewer, stranger


def _manifest(url: str) -> dict[str, object]:
    return {
        "name": "ao demo", "url": url, "public": False, "default_permissions": PERMISSIONS, "default_events": EVENTS,
        "hook_attributes": {"url": f"{url}/webhook", "active": True}, "redirect_url": f"{url}/setup",
    }  # fmt: skip


async def _app(home: Path, hub: LocalGitHub, _http: aiohttp.ClientSession, url: str) -> tuple[str, dict[str, str]]:
    """Make and install an App; return its slug, and the settings that make the service it."""
    app = hub.create_app("maintainer", _manifest(url))
    hub.install(app["slug"], [REPO])
    key = home / "app.pem"
    key.touch(mode=0o600)
    key.write_text(str(app["pem"]))
    settings = {
        "AO_GITHUB_APP_ID": str(app["id"]), "AO_GITHUB_PRIVATE_KEY_FILE": str(key),
        "AO_WEBHOOK_SECRET": str(app["webhook_secret"]),
    }  # fmt: skip
    return app["slug"], settings


async def _machine_user(
    _home: Path, hub: LocalGitHub, http: aiohttp.ClientSession, url: str
) -> tuple[str, dict[str, str]]:
    """Make a machine user with write permission and a webhook; return its login and the service's settings."""
    token, secret = hub.add_user("machine"), secrets.token_hex(16)
    hub.set_role(REPO, "machine", "write")
    owner = Person(http, hub.url, REPO, "owner", hub.add_user("owner"))
    hub.set_role(REPO, "owner", "admin")
    hook = {"url": f"{url}/webhook", "content_type": "json", "secret": secret}
    await owner.ask("POST", "/hooks", {"name": "web", "active": True, "events": EVENTS, "config": hook})
    return "machine", {"AO_GITHUB_TOKEN": token, "AO_WEBHOOK_SECRET": secret}


def _environment(home: Path, url: str, port: int, identity: dict[str, str], config: str) -> dict[str, str]:
    """Write the configuration and return the whole environment of the service."""
    file = home / "agent-orchestrator.yaml"
    file.write_text(config)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TERM") if name in os.environ}
    return {
        **kept, **identity, "AO_DATA_DIR": str(home / "data"), "AO_CONFIG_PATH": str(file),
        "AO_GITHUB_API_URL": url, "AO_PORT": str(port),
    }  # fmt: skip
