"""Keeps one session: looks at what is committed and does the next thing, until the session holds nothing.

A keeper never remembers what it has done; it reads it. So it may be killed at any point and run again.
"""

import asyncio
import contextlib
import logging

from runtime import answering, claiming, interrupting
from runtime.delivery import deliver, next_message
from runtime.ending import end
from runtime.errors import AoError, Retryable, StoreBusy
from runtime.expiry import why_expired
from runtime.hands import Hands
from runtime.look import Look, look
from runtime.spawn import spawn
from runtime.store import messages
from runtime.store.tx import Tx

log = logging.getLogger(__name__)

NEVER = 1e9


class Keeper:
    """The one task that acts for a session; everything it does happens one after the other."""

    def __init__(self, hands: Hands, session_id: str) -> None:
        self._hands = hands
        self._id = session_id
        self._failures = 0
        self._told = ""

    async def run(self) -> None:
        """Keep the session until it has ended and is cleaned up."""
        topic = self._hands.store.topic(self._id)
        while True:
            topic.clear()
            seen = self._hands.store.read(lambda sql: look(sql, self._id))
            if seen is None or seen.facts.cleaned is not None:
                return self._hands.store.forget_topic(self._id)
            try:
                delay = await self._act(seen)
                self._failures = 0
            except Exception as exc:  # one broken session must not stop the others
                delay = self._put_off(exc)
                await self._record(exc)
            await _wait(topic, delay)

    async def _act(self, seen: Look) -> float:
        """Do the next thing; return the seconds after which to look again even if nothing happens."""
        if not seen.session.live:
            return await end(self._hands, seen)
        if not seen.facts.spawned:
            return await spawn(self._hands, seen)
        if await self._time_has_passed(seen):
            return 0.0
        if answering.is_due(seen):
            await answering.answer(self._hands, seen)
            return 0.0
        if interrupting.is_due(seen):
            await interrupting.interrupt(self._hands, seen)
            return 0.0
        if claiming.ASKED in seen.steps:
            await claiming.carry_out(self._hands, seen)
            return 0.0
        if await self._has_given_up(seen):
            return 0.0
        message = next_message(seen, self._hands.clock())
        if message is not None and seen.why_not_type() is None:
            return await deliver(self._hands, seen, message)
        return self._until_something_is_due(seen)

    async def _time_has_passed(self, seen: Look) -> bool:
        recheck = seen.session.recheck_at
        if recheck is None or self._hands.clock() < recheck:
            return False
        await self._hands.store.write(lambda tx: _judge_again(tx, self._id))
        return True

    async def _has_given_up(self, seen: Look) -> bool:
        """Give up the messages that are no longer worth their delivery; return whether there was one."""
        now = self._hands.clock()
        expired = [(one, why) for one in seen.waiting if (why := why_expired(one, seen.facts, now))]

        def job(tx: Tx) -> None:
            for one, why in expired:
                messages.fail(tx, one, why)

        if expired:
            await self._hands.store.write(job)
        return bool(expired)

    def _until_something_is_due(self, seen: Look) -> float:
        now = self._hands.clock()
        due = [message.not_before for message in seen.waiting if message.not_before > now]
        due += [message.expires_at for message in seen.waiting if message.expires_at is not None]
        if seen.session.recheck_at is not None:
            due.append(seen.session.recheck_at)
        return max(0.01, min(due) - now) if due else NEVER

    def _put_off(self, exc: Exception) -> float:
        self._failures += 1
        after = exc.after if isinstance(exc, Retryable) else 1.0
        expected = isinstance(exc, AoError)
        about = {"session_id": self._id, "error": str(exc), "attempt": self._failures}
        log.warning("session step failed", exc_info=not expected, extra=about)
        return min(after * 2.0 ** min(self._failures - 1, 6), 120.0)

    async def _record(self, exc: Exception) -> None:
        """Leave a record of a failure, once for each reason."""
        why = str(exc) or type(exc).__name__
        if why == self._told:
            return
        self._told = why
        said = f"{self._id}: the next step failed: {why}"
        with contextlib.suppress(StoreBusy):
            await self._hands.store.write(lambda tx: tx.record("keeper_failed", said, session_id=self._id, why=why))


def _judge_again(tx: Tx, session_id: str) -> None:
    tx.source = "time"
    tx.touched.add(session_id)


async def _wait(topic: asyncio.Event, delay: float) -> None:
    if delay >= NEVER:
        await topic.wait()
        return
    try:
        async with asyncio.timeout(delay):
            await topic.wait()
    except TimeoutError:
        return
