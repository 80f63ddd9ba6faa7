"""Which worktrees are being opened just now: only so many at once, and whoever must not disturb them can tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Openings:
    """Counts what is under way and what was done."""

    def __init__(self, at_once: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self.under_way = 0
        """Also those that wait for their turn."""
        self.done = 0
        self.stirred = asyncio.Event()
        """Set when one is done: a checkout that was made ahead may be gone now."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it."""
        self.under_way += 1
        try:
            async with self._slots:
                yield
        finally:
            self.under_way -= 1
            self.done += 1
            self.stirred.set()
