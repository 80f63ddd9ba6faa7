"""Handles what the journal holds: one delivery per key at a time, in order; nothing is lost, nothing blocks the rest.

A failing delivery holds up its own key, until it succeeds or is given up. Everything that matters is in the journal,
so that a new worker goes on where one that was killed stopped.
"""

import asyncio
import logging
from collections import deque
from time import perf_counter

from bot.handling import Handling, Limits, Outcome, Stories
from runtime.clock import Clock, system_clock
from runtime.store.journal import TOPIC, Delivery, Journal
from runtime.store.store import Store

log = logging.getLogger(__name__)

STORE_PAUSE = 1.0

__all__ = ["Limits", "Outcome", "Stories", "Worker"]


class Worker:
    """Runs the handlers of open deliveries until it is drained; one worker per store."""

    def __init__(
        self, store: Store, stories: Stories, *, limits: Limits | None = None, clock: Clock = system_clock
    ) -> None:
        limits = limits or Limits()
        self._journal = Journal(store)
        self._stories = stories
        self._clock = clock
        self._news = store.topic(TOPIC)
        self._slots = asyncio.Semaphore(limits.at_once)
        self._lanes: dict[str, deque[int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken: set[int] = set()
        self._settled: set[int] = set()
        self._stopping = asyncio.Event()
        self._handling = Handling(self._journal, stories, limits, clock)
        self.ended = self._handling.ended
        self.seconds = self._handling.seconds

    async def run(self) -> None:
        """Repair what a crash left, then handle deliveries as they come; returns after `drain`."""
        if waiting := await self._journal.recover():
            log.info("deliveries waiting", extra={"count": waiting})
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                self._news.clear()
                try:
                    await self._take_in(group)
                except Exception:
                    log.exception("journal not read")
                    await self._pause(STORE_PAUSE)
                    continue
                await self._news.wait()

    async def drain(self, patience: float) -> None:
        """Take nothing new; let running handlers finish for so many seconds, then give their deliveries back."""
        self._stopping.set()
        self._news.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _take_in(self, group: asyncio.TaskGroup) -> None:
        # Only here, before the rows are read: a snapshot older than a commit must not bring back what is done.
        self._taken -= self._settled
        self._settled.clear()
        for id in self._journal.open_ids():
            if id in self._taken or (delivery := self._journal.load(id)) is None:
                continue
            key = self._key_of(delivery)
            self._taken.add(id)
            self._queue(group, key, id)
            await asyncio.sleep(0)

    def _queue(self, group: asyncio.TaskGroup, key: str, id: int) -> None:
        if key in self._lanes:
            self._lanes[key].append(id)
            return
        self._lanes[key] = deque([id])
        task = group.create_task(self._serve(key), name=f"deliveries of {key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _key_of(self, delivery: Delivery) -> str:
        try:
            return self._stories.key_of(delivery)
        except Exception:
            log.exception("delivery without a key", extra={"delivery_id": delivery.guid})
            return f"delivery:{delivery.id}"

    async def _serve(self, key: str) -> None:
        lane = self._lanes[key]
        while lane and not self._stopping.is_set():
            if await self._settle(lane[0], key):
                self._settled.add(lane.popleft())
        del self._lanes[key]

    async def _settle(self, id: int, key: str) -> bool:
        """Do the next thing about a delivery; True when nothing is left to do."""
        try:
            delivery = self._journal.load(id)
            if delivery is None:
                return True
            if (wait := delivery.not_before - self._clock()) > 0:
                await self._pause(wait)
                return False
            async with self._slots:
                return not self._stopping.is_set() and await self._handle(delivery, key)
        except Exception:
            log.exception("delivery not settled", extra={"delivery": id})
            await self._pause(STORE_PAUSE)
            return False

    async def _handle(self, delivery: Delivery, key: str) -> bool:
        if not await self._journal.start(delivery.id, key):
            return True
        began = perf_counter()
        extra = {"delivery_id": delivery.guid, "event": delivery.event, "key": key}
        waited = round((self._clock() - delivery.received_at) * 1e3, 1)
        log.info("delivery started", extra={**extra, "attempt": delivery.attempts + 1, "waited_ms": waited})
        try:
            result = await self._handling.handle(delivery)
        except asyncio.CancelledError:
            await asyncio.shield(self._journal.release(delivery.id))
            raise
        log.info("delivery finished", extra={**extra, "result": result, "ms": round((perf_counter() - began) * 1e3, 1)})
        return result != "retried"

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
