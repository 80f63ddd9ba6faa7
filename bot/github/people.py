"""Whose words count, as the stories ask it."""

import re

from bot.github.identity import Identity, Me
from bot.github.permissions import Permissions
from runtime.errors import ForgeBusy, ForgeRefused


class People:
    """Permissions and identity behind the one port that stories know."""

    def __init__(self, permissions: Permissions, identity: Identity) -> None:
        self._permissions = permissions
        self._identity = identity

    async def may_write(self, repo: str, login: str) -> bool:
        """Say whether the person has write permission now; raises `Retryable` when GitHub cannot say."""
        return await self._permissions.may_write(repo, login)

    async def trusts(self, repo: str, login: str) -> bool:
        """Say whether agents may read what this login wrote: the bot, or a person who may write, but no other bot."""
        if await self.is_own(login, ""):
            return True
        return not login.endswith("[bot]") and await self.may_write(repo, login)

    async def is_own(self, login: str, body: str) -> bool:
        """Say whether the bot itself wrote this, once GitHub has said who it is; raises `Retryable` when it cannot."""
        await self._named()
        return self._identity.is_own(login, body)

    async def is_mentioned(self, body: str) -> bool:
        """Say whether the text names the bot with an @, in any case and not as the beginning of a longer name."""
        me = await self._named()
        return bool(re.search(rf"(?<!\w)@{re.escape(me.mention)}(?![\w-])", body, re.IGNORECASE))

    async def _named(self) -> Me:
        """Return who we are; credentials that GitHub refuses end the service, and no words with it."""
        try:
            return await self._identity.me()
        except ForgeRefused as exc:
            raise ForgeBusy(f"GitHub does not say who we are: {exc}") from exc
