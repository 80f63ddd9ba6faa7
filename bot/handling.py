"""Takes one delivery through its handlers: each on its own, each committed with its done-mark."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from bot.verdict import Verdict, judge
from runtime.clock import Clock
from runtime.errors import AoError, UserError
from runtime.store.journal import Delivery, Journal, finish, mark_handler
from runtime.store.tx import Op, Tx

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a handler wants committed, why it did nothing if it did nothing, and the session it was about."""

    ops: Sequence[Op] = ()
    skip_reason: str | None = None
    session_id: str | None = None


class Stories(Protocol):
    """Who handles what; a handler is opaque to the worker and only handed back."""

    def handlers_for(self, event: str, payload: dict[str, Any]) -> list[tuple[str, Any]]:
        """Return the handlers of a delivery with their names, always in the same order."""
        ...

    def key_of(self, delivery: Delivery) -> str:
        """Return whose turn it is: deliveries of one key run one after the other."""
        ...

    async def run(self, handler: Any, delivery: Delivery) -> Outcome:
        """Let a handler decide; changes nothing by itself."""
        ...

    def say_error(self, delivery: Delivery, error: UserError) -> list[Op]:
        """Return what tells the person what to do next."""
        ...


def _patience(attempt: int) -> float:
    return attempt * attempt + random.random()  # noqa: S311 - spreads retries, keeps no secret


@dataclass(frozen=True)
class Limits:
    """How much runs at once, how long a handler may take, and how long to wait after which failed attempt."""

    at_once: int = 10
    deadline: float = 60.0
    backoff: Callable[[int], float] = _patience


class Handling:
    """Runs the handlers of a delivery one after the other, in a fixed order: a repetition does the same again."""

    def __init__(self, journal: Journal, stories: Stories, limits: Limits, clock: Clock) -> None:
        self._journal = journal
        self._stories = stories
        self._limits = limits
        self._clock = clock
        self.ended: Counter[tuple[str, str]] = Counter()
        """Runs by handler and how they ended: done, skipped, told or failed."""
        self.seconds: dict[str, float] = {}
        """Time spent, by handler."""

    async def handle(self, delivery: Delivery) -> str:
        """Run what is unfinished and return what became of the delivery: done, retried or dead."""
        verdict = await self._run_all(delivery)
        if verdict is None:
            return "done"
        if verdict.outcome == "dead":
            log.error("delivery dead", extra={"delivery_id": delivery.guid, "why": verdict.reason})
            await self._journal.bury(delivery.id, verdict.reason)
        else:
            pause = max(verdict.after, self._limits.backoff(delivery.attempts + 1))
            await self._journal.retry(delivery.id, not_before=self._clock() + pause, error=verdict.reason)
        return verdict.outcome

    async def _run_all(self, delivery: Delivery) -> Verdict | None:
        try:
            finished = self._journal.finished_handlers(delivery.id)
            handlers = self._stories.handlers_for(delivery.event, delivery.payload)
            todo = [found for found in handlers if found[0] not in finished]
        except Exception as exc:
            return judge(delivery.attempts, {"routing": exc})
        if not todo:
            await self._journal.finish(delivery.id)
        failed: dict[str, Exception] = {}
        for place, (name, handler) in enumerate(todo, start=1):
            last = place == len(todo) and not failed
            if error := await self._run_one(delivery, name, handler, last):
                failed[name] = error
        return judge(delivery.attempts, failed) if failed else None

    async def _run_one(self, delivery: Delivery, name: str, handler: Any, last: bool) -> Exception | None:
        began = perf_counter()
        error: Exception | None = None
        try:
            result = await self._decide(delivery, name, handler, last)
        except UserError as exc:
            result, error = "told", await self._tell(delivery, name, exc, last)
        except Exception as exc:
            error = exc
        if error is not None:
            result = "failed"
            extra = {"delivery_id": delivery.guid, "handler": name, "attempt": delivery.attempts + 1, "why": str(error)}
            log.warning("handler failed", extra=extra, exc_info=None if isinstance(error, AoError) else error)
        self.ended[name, result] += 1
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - began
        return error

    async def _decide(self, delivery: Delivery, name: str, handler: Any, last: bool) -> str:
        deadline = asyncio.timeout(self._limits.deadline)
        try:
            async with deadline:
                outcome = await self._stories.run(handler, delivery)
        except TimeoutError as exc:
            if deadline.expired():
                raise TimeoutError(f"not done after {self._limits.deadline:g} s") from exc
            raise
        await self._commit(delivery, name, outcome, last)
        return "skipped" if outcome.skip_reason else "done"

    async def _tell(self, delivery: Delivery, name: str, told: UserError, last: bool) -> Exception | None:
        try:
            outcome = Outcome(self._stories.say_error(delivery, told), str(told))
            await self._commit(delivery, name, outcome, last)
        except Exception as exc:
            return exc
        return None

    async def _commit(self, delivery: Delivery, name: str, outcome: Outcome, last: bool) -> None:
        def job(tx: Tx) -> None:
            for op in outcome.ops:
                op(tx)
            mark_handler(tx, delivery.id, name, outcome.skip_reason, session_id=outcome.session_id)
            if last:
                finish(tx, delivery.id)

        await self._journal.store.write(job, cause=delivery.id)
