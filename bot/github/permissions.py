"""Whose words count: live write permission from GitHub, remembered for minutes, never assumed."""

import asyncio
from urllib.parse import quote

from bot.github.hub import Hub
from runtime.clock import Clock, system_clock
from runtime.errors import GoneFromForge

WRITERS = frozenset({"admin", "maintain", "write"})
YES_LASTS = 180.0
NO_LASTS = 60.0


class Permissions:
    """Asks GitHub once per person, repository and few minutes."""

    def __init__(self, hub: Hub, *, clock: Clock = system_clock) -> None:
        self._hub = hub
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[bool, float]] = {}
        self._asking: dict[tuple[str, str], asyncio.Lock] = {}

    async def may_write(self, repo: str, login: str) -> bool:
        """Say whether this person has write permission now.

        Fails closed: an answer that cannot be had is raised (`Retryable` or `Permanent`), never taken for a yes.
        """
        who = (repo.lower(), login.lower())
        async with self._asking.setdefault(who, asyncio.Lock()):
            allowed, until = self._known.get(who, (False, 0.0))
            if not 0 < until - self._clock() <= YES_LASTS:  # more is left when the clock was set back
                allowed = await self._ask(repo, login)
                self._remember(who, allowed)
        return allowed

    async def _ask(self, repo: str, login: str) -> bool:
        client = await self._hub.of(repo)
        try:
            found = await client.getitem(f"/repos/{quote(repo)}/collaborators/{quote(login, safe='')}/permission")
        except GoneFromForge:
            return False
        return found["permission"] in WRITERS

    def _remember(self, who: tuple[str, str], allowed: bool) -> None:
        now = self._clock()
        for old in [known for known, (_, until) in self._known.items() if until <= now]:
            del self._known[old]
            if old != who:
                self._asking.pop(old, None)
        self._known[who] = (allowed, now + (YES_LASTS if allowed else NO_LASTS))
