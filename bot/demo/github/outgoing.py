"""Sending webhooks as GitHub does: signed, in order per hook, one attempt each, recorded."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime

import aiohttp

from bot.demo.github.background import Background
from bot.demo.github.faults import Fault, Faults
from bot.demo.github.people import Delivery

# https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
DEADLINE = aiohttp.ClientTimeout(total=10)
HOLD_AT_MOST = 1.0
LONGEST_KEPT_ANSWER = 10_000


def headers_of(delivery: Delivery) -> dict[str, str]:
    """The request's headers, both signatures included."""
    hook = delivery.hook
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/local",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(hook.target_id),
        "X-GitHub-Hook-Installation-Target-Type": hook.target_type,
    }
    if hook.secret:
        for name, kind in (("X-Hub-Signature", "sha1"), ("X-Hub-Signature-256", "sha256")):
            digest = hmac.new(hook.secret.encode(), delivery.body, getattr(hashlib, kind)).hexdigest()
            headers[name] = f"{kind}={digest}"
    return headers


class Outgoing:
    """The queues of all hooks; a hook's deliveries never overtake each other unless a fault says so."""

    def __init__(self, faults: Faults, clock: Callable[[], datetime], background: Background) -> None:
        self.sent: list[Delivery] = []
        self._faults = faults
        self._clock = clock
        self._background = background
        self._queues: dict[int, deque[Delivery]] = defaultdict(deque)
        self._busy: set[int] = set()
        self._arrived = asyncio.Event()
        self.pause = asyncio.sleep
        self._session: aiohttp.ClientSession | None = None

    def put(self, delivery: Delivery) -> None:
        """Record a delivery and send it after those before it."""
        delivery.hook.deliveries.append(delivery)
        number = delivery.hook.id
        self._queues[number].append(delivery)
        self._arrived.set()
        if number not in self._busy:
            self._busy.add(number)
            self._background.start(self._drain(number))

    async def close(self) -> None:
        """Close the connections; what is queued stays unsent."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _drain(self, number: int) -> None:
        queue = self._queues[number]
        try:
            while queue:
                await self._next(queue)
        finally:
            self._busy.discard(number)

    async def _next(self, queue: deque[Delivery]) -> None:
        delivery = queue.popleft()
        fault = self._faults.for_delivery(delivery.event, delivery.action)
        match fault.kind if fault else "":
            case "drop":
                self._lost(delivery)
            case "repeat":
                await self._send(delivery)
                await self._send(delivery)
            case "hold":
                await self._swap(delivery, queue, fault)
            case "delay":
                self._background.start(self._later(delivery, fault.seconds if fault else 0.0))
            case _:
                await self._send(delivery)

    async def _swap(self, delivery: Delivery, queue: deque[Delivery], fault: Fault | None) -> None:
        self._arrived.clear()
        if not queue:
            wait = fault.seconds if fault and fault.seconds else HOLD_AT_MOST
            try:
                async with asyncio.timeout(wait):
                    while not queue:
                        self._arrived.clear()
                        await self._arrived.wait()
            except TimeoutError:
                pass
        if queue:
            await self._next(queue)
        await self._send(delivery)

    async def _later(self, delivery: Delivery, seconds: float) -> None:
        await self.pause(seconds)
        await self._send(delivery)

    def _lost(self, delivery: Delivery) -> None:
        delivery.delivered_at = self._clock()
        delivery.headers = headers_of(delivery)
        delivery.status, delivery.status_code = "failed to connect to host", 502

    async def _send(self, delivery: Delivery) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=DEADLINE)
        delivery.headers = headers_of(delivery)
        delivery.delivered_at = self._clock()
        self.sent.append(delivery)
        began = time.monotonic()
        try:
            async with self._session.post(
                delivery.hook.url, data=delivery.body, headers=delivery.headers, allow_redirects=False
            ) as answer:
                text = await answer.content.read(LONGEST_KEPT_ANSWER)
                delivery.response_body = text.decode(errors="replace")
                delivery.response_headers = dict(answer.headers)
                delivery.status_code = answer.status
                delivery.status = "OK" if answer.ok else f"Invalid HTTP Response: {answer.status}"
        except TimeoutError:
            delivery.status, delivery.status_code = "timed out", 504
        except aiohttp.ClientError:
            delivery.status, delivery.status_code = "failed to connect to host", 502
        delivery.duration = time.monotonic() - began
