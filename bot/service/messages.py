"""Takes in what people say to agents on the command line."""

import asyncio
import uuid

from bot.api.messages import Sent
from bot.parts import Parts
from bot.service.seen import seen
from runtime.errors import UserError
from runtime.inbox import FAILED, PASTED, QUEUED
from runtime.store import messages
from runtime.store.tx import Tx

NOT_LIVE = "{name} has ended ({status}): start it again by putting the label on its issue."


class Messages:
    """Implements `bot.api.messages.MessagesPort`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    async def send(self, name: str, text: str, *, author: str | None, wait: bool, patience: float | None) -> Sent:
        """Commit a message and, with `wait`, watch until the agent has taken it in or `patience` is over."""
        session = seen(self._parts, name).session
        if not session.live:
            raise UserError(NOT_LIVE.format(name=name, status=session.announced_status))
        identity = await self._store.write(lambda tx: _queue(tx, name, text, author or "person"))
        if wait:
            default = self._parts.projects[session.project].times.send_wait
            await self._watch(identity, default if patience is None else patience)
        message = self._store.read(lambda sql: messages.get(sql, identity))
        state = message.state if message else FAILED
        result = "queued" if state == QUEUED else "unconfirmed" if state in (PASTED, FAILED) else "processing"
        return Sent(message_id=identity, result=result)  # type: ignore[arg-type]  # one of three literals

    async def _watch(self, identity: int, patience: float) -> None:
        with self._store.listening(f"message:{identity}") as news:
            try:
                async with asyncio.timeout(patience):
                    while self._waits(identity):
                        await news.wait()
                        news.clear()
            except TimeoutError:
                return

    def _waits(self, identity: int) -> bool:
        message = self._store.read(lambda sql: messages.get(sql, identity))
        return message is not None and message.waiting


def _queue(tx: Tx, name: str, body: str, author: str) -> int:
    tx.source = "person"
    key = f"send:{uuid.uuid4()}"
    return messages.add(tx, name, kind="person", source_key=key, author=author, parts={"body": body}) or 0
