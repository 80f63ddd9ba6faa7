"""When an installation may be asked again: all requests of one installation pass one gate."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from bot.github.answers import Answer, pause_after, until_reset
from runtime.clock import Clock
from runtime.errors import ForgeBusy

Sleep = Callable[[float], Awaitable[object]]

PATIENCE = 120.0  # longer waits are the caller's: https://github.com/kubernetes-sigs/prow, pkg/github/client.go
AT_ONCE = 10
WRITES_AN_HOUR = 500  # https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api


class Gate:
    """Silence after a limit, spacing between writes, and the quota that is left."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self.slots = asyncio.Semaphore(AT_ONCE)
        self.remaining: int | None = None
        self._clock = clock
        self._sleep = sleep
        self._opens_at = 0.0
        self._strikes = 0
        self._writing = asyncio.Lock()
        self._writes: deque[float] = deque(maxlen=WRITES_AN_HOUR)

    @property
    def closed_for(self) -> float:
        """Return for how many seconds nothing may be asked."""
        return max(0.0, self._opens_at - self._clock())

    async def enter(self) -> None:
        """Wait until requests are welcome; a wait above two minutes is `ForgeBusy` instead."""
        while wait := self.closed_for:
            await self._wait(wait)

    async def turn_to_write(self, interval: float) -> None:
        """Wait until `interval` has passed since the last write of this installation, in order of arrival."""
        async with self._writing:
            now = self._clock()
            last, first = (min(self._writes[at], now) if self._writes else float("-inf") for at in (-1, 0))
            due = last + interval
            if interval and len(self._writes) == WRITES_AN_HOUR:
                due = max(due, first + 3600.0)
            if (wait := due - now) > 0:
                await self._wait(wait)
            self._writes.append(self._clock())

    def heard(self, answer: Answer) -> None:
        """Learn from an answer that was no limit; an exhausted quota closes the gate before GitHub has to."""
        if answer.status < 400:
            self._strikes = 0
        if (left := answer.headers.get("x-ratelimit-remaining", "")).isdigit():
            self.remaining = int(left)
            if self.remaining == 0 and (wait := until_reset(answer, self._clock())) is not None:
                self._close(wait)

    def limited(self, answer: Answer) -> float:
        """Close the gate for as long as a limit asks; return how long that is."""
        wait = pause_after(answer, self._strikes, self._clock())
        self._strikes += 1
        self._close(wait)
        return wait

    def _close(self, seconds: float) -> None:
        self._opens_at = max(self._opens_at, self._clock() + seconds)

    async def _wait(self, seconds: float) -> None:
        if seconds > PATIENCE:
            raise ForgeBusy(f"GitHub asked for {seconds:.0f} s of silence", after=seconds)
        await self._sleep(seconds)
