"""Asks GitHub to deliver again what did not arrive while the service was away; GitHub never does so by itself.

https://docs.github.com/en/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-a-github-app-webhook
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.github.hub import Hub
from runtime.errors import AoError, StoreBusy
from runtime.store import deliveries, notes
from runtime.store.store import Store

log = logging.getLogger(__name__)

OLDEST = 71 * 3600.0
"""GitHub redelivers what is at most three days old."""
OVERLAP = 600.0
"""A delivery may be listed minutes after the event it tells of."""
SOON = 60.0
"""After a delivery was turned away, or the machine has slept, seconds."""
COVERED = "redelivery"
"""The note that says up to when GitHub's list has been compared."""


class Redelivery:
    """Compares GitHub's list of deliveries with the journal; one request when nothing is missing.

    Works for an App. A repository's own hook can be read by its administrators only, so in token mode a person
    redelivers from the settings on GitHub.
    """

    def __init__(
        self, store: Store, hub: Hub, turned_away: asyncio.Event, *, after_start: Sequence[float], every: float,
        soon: float = SOON,
    ) -> None:  # fmt: skip
        """Sweep at the times `after_start`, seconds since the start, then `every` so many seconds.

        A first start has missed nothing and begins with the later ones. `turned_away` is set when a delivery was
        refused that the service should have had.
        """
        self._store = store
        self._hub = hub
        self._hurry = turned_away
        self._after_start = after_start if deliveries.newest_arrival(store) else ()
        self._every = every
        self._soon = soon
        self._told = ""
        covered = store.read(lambda sql: notes.get(sql, COVERED)) or 0.0
        self._from = max(store.clock() - OLDEST, covered)

    def hurry(self) -> None:
        """Sweep soon: something may have been missed."""
        self._hurry.set()

    async def run(self) -> None:
        """Sweep until cancelled."""
        if not self._hub.is_app:
            return
        waited = 0.0
        for at in self._after_start:
            await asyncio.sleep(max(0.0, at - waited))
            waited = at
            await self._try()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._hurry.wait()
                    await asyncio.sleep(self._soon)
            await self._try()

    async def _try(self) -> None:
        hurried = self._hurry.is_set()
        try:
            if asked := await self.sweep():
                log.info("asked GitHub to deliver again", extra={"count": asked})
        except AoError as exc:
            log.warning("could not look for lost deliveries", extra={"error": str(exc)})
            await self._record(str(exc))
            if hurried:
                self.hurry()
        else:
            self._told = ""

    async def _record(self, why: str) -> None:
        """Leave a record of a failed sweep, once for each reason."""
        if why != self._told:
            self._told = why
            said = f"could not look for deliveries that never arrived: {why}"
            with contextlib.suppress(StoreBusy):
                await self._store.write(lambda tx: tx.record("redelivery_failed", said))

    async def sweep(self) -> int:
        """Ask again for every delivery that neither arrived nor is known here; return how many.

        Raises:
            StoreBusy: what would come could not be stored either; GitHub was asked for nothing.

        """
        await self._store.prove_writable()
        self._hurry.clear()
        began = self._store.clock()
        if self._from > began:  # the clock was set back: what was compared by the wrong one counts for nothing
            self._from = began - OLDEST
        missing = [one for one in await self._failed() if not deliveries.known(self._store, str(one["guid"]))]
        for one in missing:
            await self._hub.own.post(f"/app/hook/deliveries/{int(one['id'])}/attempts", data=b"")
            await self._store.write(
                lambda tx, guid=one["guid"]: tx.record("redelivery", f"asked GitHub for {guid} again")  # type: ignore[misc]  # mypy does not infer a lambda with a default
            )
        self._from = max(self._from, began - OVERLAP)
        await self._store.write(lambda tx: notes.put(tx, COVERED, self._from))
        return len(missing)

    async def _failed(self) -> list[Any]:
        """Return the first attempt of each delivery since the last sweep that never got a 2xx, oldest first."""
        attempts: dict[str, list[Any]] = {}
        async for one in self._hub.own.pages("/app/hook/deliveries?per_page=100"):
            if datetime.fromisoformat(one["delivered_at"]).timestamp() < self._from:
                break
            attempts.setdefault(one["guid"], []).append(one)
        lost = [tries[-1] for tries in attempts.values() if not any(200 <= one["status_code"] < 300 for one in tries)]
        return sorted(lost, key=lambda one: int(one["id"]))
