"""One account on one GitHub: the right client for each repository."""

import asyncio
from typing import Protocol
from urllib.parse import quote

from bot.github.credentials import AppAuth, Credentials, InstallationAuth, TokenAuth
from bot.github.gate import Gate, Sleep
from bot.github.meter import Meter
from bot.github.policy import Policy, Terms
from bot.github.roots import Roots
from runtime.clock import Clock, system_clock
from runtime.errors import GoneFromForge


class Wire(Protocol):
    """Makes clients over one connection pool."""

    def connect(self, terms: Terms, roots: Roots) -> Policy:
        """Return a client; called in the running loop only."""

    async def close(self) -> None:
        """Give the connections back."""


class Hub:
    """Clients per installation, with a token, a gate and a pause each; one client for all in token mode."""

    def __init__(
        self,
        roots: Roots,
        auth: AppAuth | TokenAuth,
        wire: Wire,
        *,
        meter: Meter | None = None,
        clock: Clock = system_clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.roots = roots
        self.meter = meter or Meter()
        self.is_app = isinstance(auth, AppAuth)
        self._auth = auth
        self._wire = wire
        self._clock = clock
        self._sleep = sleep
        self._own: Policy | None = None
        self._clients: dict[int, Policy] = {}
        self._installed: dict[str, int] = {}
        self._looking = asyncio.Lock()

    @property
    def own(self) -> Policy:
        """Return the client that speaks for the account itself: the App, or the token's user."""
        if self._own is None:
            self._own = self._connect(self._auth)
        return self._own

    async def of(self, repo: str) -> Policy:
        """Return the client for `owner/name`; `GoneFromForge` when the App is not installed there."""
        if not self.is_app:
            return self.own
        installation = self._installed.get(repo.lower()) or await self._found(repo)
        if installation not in self._clients:
            auth = InstallationAuth(self.own, installation, clock=self._clock, on_gone=self.forget)
            self._clients[installation] = self._connect(auth)
        return self._clients[installation]

    def remember(self, repo: str, installation_id: int) -> None:
        """Learn from a delivery which installation a repository belongs to."""
        self._installed[repo.lower()] = installation_id

    def forget(self, installation_id: int) -> None:
        """Drop an installation that was deleted or suspended."""
        self._installed = {repo: known for repo, known in self._installed.items() if known != installation_id}
        self._clients.pop(installation_id, None)

    async def close(self) -> None:
        """Close the connections; the hub can be used again afterwards."""
        self._own = None
        self._clients.clear()
        await self._wire.close()

    async def _found(self, repo: str) -> int:
        async with self._looking:
            installation = self._installed.get(repo.lower()) or await self._look_up(repo)
            self.remember(repo, installation)
            return installation

    async def _look_up(self, repo: str) -> int:
        try:
            found = await self.own.getitem(f"/repos/{quote(repo)}/installation")
        except GoneFromForge as exc:
            raise GoneFromForge(f"the App is not installed on {repo}: install it from the App's page") from exc
        return int(found["id"])

    def _connect(self, credentials: Credentials) -> Policy:
        gate = Gate(self._clock, self._sleep)
        terms = Terms(credentials=credentials, gate=gate, meter=self.meter, clock=self._clock, sleep=self._sleep)
        return self._wire.connect(terms, self.roots)
