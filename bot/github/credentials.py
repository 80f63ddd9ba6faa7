"""What a request proves itself with: a token, the App's key, or an installation's token that ages."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from bot.github.signing import sign
from runtime.clock import Clock, system_clock
from runtime.errors import GoneFromForge

if TYPE_CHECKING:
    from bot.github.policy import Policy

BACKDATED = 60  # against clocks that differ: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
JWT_LIFE = 9 * 60
JWT_USED_FOR = 7 * 60
REFRESH_EARLY = 5 * 60


class Credentials(Protocol):
    """Supplies the `Authorization` header, afresh for each request."""

    async def header(self) -> str | None:
        """Return the header's value, None to go without."""

    async def secret(self) -> str:
        """Return the bare token, for git."""

    def renew(self) -> bool:
        """Drop what GitHub answered 401 to; False when there is nothing better to try."""

    def server_said(self, now: float) -> None:
        """Learn GitHub's time."""


class TokenAuth:
    """A personal token, or none at all."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    async def header(self) -> str | None:
        """Return the token's header."""
        return f"token {self._token}" if self._token else None

    async def secret(self) -> str:
        """Return the token."""
        return self._token or ""

    def renew(self) -> bool:
        """Return False: a refused personal token stays refused."""
        return False

    def server_said(self, now: float) -> None:
        """Not needed: the token carries no time."""


class AppAuth:
    """The App itself: a JWT signed with its key, by GitHub's clock once that is known to differ."""

    def __init__(self, app_id: str, private_key: str, *, clock: Clock = system_clock) -> None:
        self._app_id = app_id
        self._private_key = private_key
        self._clock = clock
        self._ahead = 0.0
        self._signing = asyncio.Lock()
        self._jwt = ""
        self._made_at = float("-inf")

    async def header(self) -> str | None:
        """Return a JWT that is valid for two minutes at least."""
        return f"bearer {await self.secret()}"

    async def secret(self) -> str:
        """Return the JWT."""
        async with self._signing:
            now = self._clock() + self._ahead
            if not 0 <= now - self._made_at < JWT_USED_FOR:
                issued = int(now) - BACKDATED
                claims = {"iat": issued, "exp": issued + JWT_LIFE, "iss": self._app_id}
                self._jwt, self._made_at = await sign(claims, self._private_key), now
            return self._jwt

    def renew(self) -> bool:
        """Sign again, by the time that came with the refusal."""
        self._made_at = float("-inf")
        return True

    def server_said(self, now: float) -> None:
        """Follow GitHub's clock when ours is off by more than the second its header is exact to."""
        ahead = now - self._clock()
        self._ahead = ahead if abs(ahead) > 2 else 0.0


class InstallationAuth:
    """An installation's token: kept for its hour, renewed early, asked for once however many wait for it."""

    def __init__(
        self,
        app: "Policy",
        installation_id: int,
        *,
        clock: Clock = system_clock,
        on_gone: Callable[[int], None] = lambda _id: None,
    ) -> None:
        self.installation_id = installation_id
        self._app = app
        self._clock = clock
        self._on_gone = on_gone
        self._asking = asyncio.Lock()
        self._token = ""
        self._good_until = float("-inf")

    async def header(self) -> str | None:
        """Return the token's header."""
        return f"token {await self.secret()}"

    async def secret(self) -> str:
        """Return a token that is valid for five minutes at least; `GoneFromForge` when the App was uninstalled."""
        async with self._asking:
            if self._clock() >= self._good_until:
                granted = await self._grant()
                self._token = str(granted["token"])
                self._good_until = datetime.fromisoformat(granted["expires_at"]).timestamp() - REFRESH_EARLY
            return self._token

    async def _grant(self) -> Any:
        try:
            return await self._app.post(f"/app/installations/{self.installation_id}/access_tokens", data={})
        except GoneFromForge:
            self._on_gone(self.installation_id)
            raise

    def renew(self) -> bool:
        """Ask for another token at the next request."""
        self._good_until = float("-inf")
        return True

    def server_said(self, now: float) -> None:
        """Not needed: tokens are renewed early enough for clocks that differ."""
