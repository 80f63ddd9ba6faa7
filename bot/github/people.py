"""Whose words count, as the stories ask it."""

import re

from bot.github.identity import Identity
from bot.github.permissions import Permissions


class People:
    """Permissions and identity behind the one port that stories know."""

    def __init__(self, permissions: Permissions, identity: Identity) -> None:
        self._permissions = permissions
        self._identity = identity

    async def may_write(self, repo: str, login: str) -> bool:
        """Say whether the person has write permission now; raises `Retryable` when GitHub cannot say."""
        return await self._permissions.may_write(repo, login)

    def is_own(self, login: str, body: str) -> bool:
        """Say whether the bot itself wrote this; raises `Retryable` before it knows its own name."""
        return self._identity.is_own(login, body)

    def is_mentioned(self, body: str) -> bool:
        """Say whether the text names the bot with an @, in any case and not as the beginning of a longer name."""
        me = self._identity.known
        return me is not None and bool(re.search(rf"(?<!\w)@{re.escape(me.mention)}(?![\w-])", body, re.IGNORECASE))
