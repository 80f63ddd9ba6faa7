"""The second half of `ao setup`: where the new App is installed, and what those repositories need."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.config import Config
from bot.github.client import AiohttpWire
from bot.github.credentials import AppAuth, InstallationAuth
from bot.github.gate import Gate
from bot.github.manifest import AppCredentials, create_labels
from bot.github.policy import Policy, Terms
from bot.github.roots import Roots
from runtime.errors import AoError
from runtime.project import Labels

LOOK_EVERY_S = 2.0


@dataclass
class Places:
    """The installations of an App; `say` shows a line to the person."""

    app: AppCredentials
    config: Config
    roots: Roots
    wire: AiohttpWire
    say: Callable[[str], None]
    _clients: dict[str, Policy] = field(default_factory=dict)

    async def installed(self) -> list[Mapping[str, Any]]:
        """Return the installations there are."""
        found: list[Mapping[str, Any]] = await self._own.getitem("/app/installations")
        return found

    async def wait(self, patience: float) -> bool:
        """Look until there is an installation; False when `patience` seconds have passed without one."""
        deadline = time.monotonic() + patience
        while not await self.installed():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True

    async def repositories(self) -> list[str]:
        """Return the repositories that were selected one by one, or are projects; not an account's whole estate."""
        projects = {project.repo.lower() for project in self.config.projects.values()}
        found = []
        for installation in await self.installed():
            client = self._connect(InstallationAuth(self._own, int(installation["id"])))
            async for item in client.pages("/installation/repositories", key="repositories"):
                name = str(item["full_name"])
                self._clients[name] = client
                if installation.get("repository_selection") == "selected" or name.lower() in projects:
                    found.append(name)
        self.say(f"✓ Installed: {', '.join(found) or 'on all repositories of an account'}")
        return found

    async def label(self, repositories: list[str]) -> None:
        """Create the labels that are missing; a repository where that fails does not stop the others."""
        labels = _labels(self.config)
        for repo in repositories:
            try:
                new = await create_labels(self._clients[repo], repo, labels)
            except AoError as error:
                self.say(f"△ {repo}: its labels could not be created ({error}); create `{next(iter(labels))}` by hand")
                continue
            self.say(f"✓ {repo}: labels " + (f"created: {', '.join(new)}" if new else "are there"))

    @property
    def _own(self) -> Policy:
        if "" not in self._clients:
            self._clients[""] = self._connect(AppAuth(str(self.app.id), self.app.key_file.read_text()))
        return self._clients[""]

    def _connect(self, credentials: AppAuth | InstallationAuth) -> Policy:
        terms = Terms(credentials=credentials, gate=Gate(time.time, asyncio.sleep))
        return self.wire.connect(terms, self.roots)


def what_next(config: Config, repositories: list[str], url: str) -> Iterator[str]:
    """Yield what the person does now: a project, the service, a label."""
    known = {project.repo.lower() for project in config.projects.values()}
    new = [repo for repo in repositories if repo.lower() not in known]
    yield "\nWhat comes next:"
    if new or not known:
        repo = new[0] if new else "owner/name"
        yield f"  1. Add the project to {config.file or 'agent-orchestrator.yaml, here or above'}:"
        yield f"       projects:\n         {repo.split('/')[1]}:\n           repo: {repo}"
    else:
        yield "  1. Your projects are configured already."
    given = f"AO_PUBLIC_URL={url} " if url and url != config.settings.public_url else ""
    yield f"  2. Check and start: ao doctor, then {given}ao serve"
    yield f"  3. Label an issue: {next(iter(_labels(config)))}"


def _labels(config: Config) -> dict[str, str]:
    """Return the labels with what they mean."""
    labels = next((project.labels for project in config.projects.values()), Labels())
    return {getattr(labels, name): field.description or "" for name, field in Labels.model_fields.items()}
