"""Notices that the machine has slept, as a laptop does whose lid was closed.

The wall clock goes on over a sleep and the monotonic one does not (on Linux and macOS alike; CLOCK_BOOTTIME, which only
Linux has, stands still while a virtual machine is paused). A clock that is set forward looks the same, and for whoever
compares times of the wall clock it is the same.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from runtime.probe import Slept
from runtime.store import facts, sessions
from runtime.store.store import Store
from runtime.store.tx import Tx

log = logging.getLogger(__name__)

EVERY = 1.0
SHORTEST = 2.0
"""Less than that is a clock that is put right, seconds."""
KEPT = 100
"""So many sleeps are known of a session; a laptop that is left alone wakes several times an hour."""


class Naps:
    """Compares the two clocks every second; after a sleep it calls `woken` and lets each live session know."""

    def __init__(self, store: Store, woken: Callable[[], None], *, awake: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._woken = woken
        self._awake = awake
        self._ahead = store.clock() - awake()

    async def run(self) -> None:
        """Compare until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Compare once with the time before; a sleep that could not be stored is found again the next time."""
        ahead = self._store.clock() - self._awake()
        slept = ahead - self._ahead
        if slept >= SHORTEST:
            log.info("the machine has slept", extra={"seconds": round(slept)})
            self._woken()
            await self._store.write(lambda tx: _note(tx, slept))
        self._ahead = ahead


def _note(tx: Tx, seconds: float) -> None:
    for one in sessions.listing(tx.sql):
        before = facts.of_session(tx.sql, one.id, one.created_at).slept.naps
        facts.learn(tx, one.id, Slept(naps=(*before[1 - KEPT :], (tx.now, seconds))), source="service")
