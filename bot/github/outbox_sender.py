"""Sends the outbox: in order within a session, spaced per installation, each row exactly once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bot.github.answers import Uncertain
from bot.github.gate import Sleep
from bot.github.hub import Hub
from bot.github.identity import Identity
from bot.github.marker import marked, marker
from bot.github.policy import APPEARS_AFTER
from bot.github.sends import SENDS, Parcel, Sent
from runtime.errors import ForgeRefused, GoneFromForge, Permanent, Retryable, StoreBusy
from runtime.redact import Redactor
from runtime.store import outbox
from runtime.store.outbox import Outgoing
from runtime.store.store import Store

log = logging.getLogger(__name__)

GIVE_UP_AFTER = 24 * 3600.0
MOST_SURPRISES = 8
MOST_TITLE = 256
GONE = "gone"
YOUNG = 60.0


def backoff(attempts: int) -> float:
    """Return the seconds before another try: 1, 2, 4 … 300."""
    return min(2.0 ** min(attempts, 9), 300.0)


class OutboxSender:
    """Turns committed rows into requests; killed at any instant, the next one finishes what it began."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        identity: Identity,
        *,
        redact: Redactor,
        render: Callable[[str], str],
        write_interval: float = 1.0,
        settle: float = 2.0,
        backoff: Callable[[int], float] = backoff,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`settle`: how long GitHub may still be busy with a request whose sender was killed."""
        self._store = store
        self._hub = hub
        self._identity = identity
        self._redact = redact
        self._render = render
        self._write_interval = write_interval
        self._settle = settle
        self._backoff = backoff
        self._sleep = sleep
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Send whatever is committed, until cancelled; asks for nothing while there is nothing to send."""
        wake = self._store.topic(outbox.TOPIC)
        async with asyncio.TaskGroup() as lanes:
            while True:
                wake.clear()
                now, rows = self._store.clock(), self._unsent()
                for repo in {row.repo for row in ready(rows, now, self._settle)} - self._busy:
                    self._busy.add(repo)
                    lanes.create_task(self._drain(repo, wake), name=f"outbox {repo}")
                later = [at for row in rows if (at := ready_at(row, self._settle)) > now]
                await self._wait(wake, min(later) - now if later else None)

    async def wait_for(self, key: str) -> dict[str, Any]:
        """Return what GitHub made of a row once it is sent; `ForgeRefused` when it was given up."""
        topic = outbox.topic_of(key)
        wake = self._store.topic(topic)
        while True:
            wake.clear()
            row = self._store.read(lambda sql: outbox.find(sql, key))
            if row is not None and row.state in ("sent", "failed"):
                self._store.forget_topic(topic)
                if row.state == "sent":
                    return row.result or {}
                raise ForgeRefused(row.error or "not sent", status=int((row.result or {}).get("status", 0)))
            await wake.wait()

    def _unsent(self) -> list[Outgoing]:
        return self._store.read(outbox.unsent)

    async def _wait(self, wake: asyncio.Event, seconds: float | None) -> None:
        if seconds is None:
            await wake.wait()
            return
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        waking = asyncio.ensure_future(wake.wait())
        try:
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    async def _drain(self, repo: str, wake: asyncio.Event) -> None:
        told = ""
        try:
            while row := self._next(repo):
                try:
                    await self._deliver(row)
                except StoreBusy as exc:
                    if told != str(exc):
                        told = str(exc)
                        log.warning("the outbox waits: the store cannot be written", extra={"error": told})
                    await self._sleep(exc.after)
        finally:
            self._busy.discard(repo)
            wake.set()

    def _next(self, repo: str) -> Outgoing | None:
        rows = ready(self._unsent(), self._store.clock(), self._settle)
        return next((row for row in rows if row.repo == repo), None)

    async def _deliver(self, row: Outgoing) -> None:
        """Send one row and commit the outcome with its record."""
        try:
            sent = await self._send(row)
        except StoreBusy:
            raise
        except Retryable as exc:
            await self._again(row, exc, uncertain=row.uncertain or isinstance(exc, Uncertain))
        except GoneFromForge as exc:
            await self._gone(row, exc)
        except Permanent as exc:
            reason, status = str(exc), exc.status if isinstance(exc, ForgeRefused) else 0
            await self._store.write(lambda tx: outbox.failed(tx, row, reason, status=status))
        except Exception as exc:  # one row's surprise must not stop the others
            log.exception("a row of the outbox surprised its sender", extra={"outbox_key": row.key})
            await self._surprised(row, exc)
        else:
            await self._store.write(lambda tx: outbox.sent(tx, row, remote_id=sent.remote_id, result=sent.result))

    async def _send(self, row: Outgoing) -> Sent:
        client = await self._hub.of(row.repo)
        me = await self._identity.me()
        self._redact.mention = me.mention
        await client.terms.gate.turn_to_write(self._write_interval)
        body = await asyncio.to_thread(self._body, row, self._told(row))
        title = self._redact(str(row.payload.get("title", "")), most=MOST_TITLE)
        send: Callable[[Parcel], Awaitable[Sent]] = SENDS[row.kind]
        await self._store.write(lambda tx: outbox.sending(tx, row))
        return await send(Parcel(client=client, row=row, body=body, title=title, login=me.login))

    def _told(self, row: Outgoing) -> str:
        told = str(row.payload.get("body", ""))
        return self._render(row.session_id or "") if row.kind == "status_comment" and not told else told

    def _body(self, row: Outgoing, told: str) -> str:
        return marked(self._redact(told), marker(row.kind, row.mark))

    async def _again(self, row: Outgoing, exc: Retryable, *, uncertain: bool) -> None:
        if self._store.clock() - row.created_at > GIVE_UP_AFTER and row.attempts >= MOST_SURPRISES:
            reason = f"given up after a day: {exc}"
            await self._store.write(lambda tx: outbox.failed(tx, row, reason))
            return
        after = max(exc.after, self._backoff(row.attempts))
        about = {"outbox_key": row.key, "after": after, "error": str(exc)}
        log.warning("GitHub is not taking a row of the outbox", extra=about)
        await self._store.write(lambda tx: outbox.retry(tx, row, after=after, error=str(exc), uncertain=uncertain))

    async def _gone(self, row: Outgoing, exc: GoneFromForge) -> None:
        """Believe a 404 at the third time when the row is young: what a delivery has just named may appear late."""
        if row.attempts < len(APPEARS_AFTER) and self._store.clock() - row.created_at < YOUNG:
            after, said = APPEARS_AFTER[row.attempts], str(exc)
            await self._store.write(lambda tx: outbox.retry(tx, row, after=after, error=said, uncertain=row.uncertain))
            return
        await self._store.write(lambda tx: outbox.failed(tx, row, GONE, status=404))

    async def _surprised(self, row: Outgoing, exc: Exception) -> None:
        reason = f"{type(exc).__name__}: {exc}"
        if row.attempts + 1 >= MOST_SURPRISES:
            await self._store.write(lambda tx: outbox.failed(tx, row, reason))
            return
        after = self._backoff(row.attempts)
        await self._store.write(lambda tx: outbox.retry(tx, row, after=after, error=reason, uncertain=True))


def ready_at(row: Outgoing, settle: float) -> float:
    """Return when a row may be sent; one that was interrupted waits until GitHub is surely done with it."""
    return max(row.not_before, row.changed_at + settle) if row.uncertain else row.not_before


def ready(rows: list[Outgoing], now: float, settle: float) -> list[Outgoing]:
    """Return the rows to send now, in order; behind one that is being retried its session's later rows wait."""
    held: set[tuple[str, str | None]] = set()
    found = []
    for row in rows:
        lane = (row.repo, row.session_id)
        if ready_at(row, settle) <= now and lane not in held:
            found.append(row)
        elif row.attempts or row.uncertain:
            held.add(lane)
    return found
