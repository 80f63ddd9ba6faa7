"""Takes in what people say to agents on the command line."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable

from bot.api.messages import Decided, Interrupted, MessageView, QuestionView, Sent
from bot.parts import Parts
from bot.service.seen import seen
from runtime import prompts
from runtime.agents import named
from runtime.answering import NO_QUESTION, decide, open_question
from runtime.errors import NotAllowed, UserError
from runtime.inbox import FAILED, INTERRUPT, PASTED, QUEUED
from runtime.inbox import Message as Stored
from runtime.interrupting import ASKS, IDLE
from runtime.look import Look
from runtime.restore import bring_back_if_gone, why_not
from runtime.said import Decision, Interrupt, Request
from runtime.store import facts, messages, sessions
from runtime.store.tx import Tx
from runtime.unstarted import not_started
from runtime.view import iso

GONE = "the agent of {name} has ended: `ao session restore {name}` brings it back"
UNANSWERED = "{name} has not been reached: look at it with `ao session attach {name}`"
STILL_SAID = "; your words are queued for it and need not be sent again"
NOT_ITSELF = "{author} is an agent: only a person may answer what agents ask"
BUSY = "session finishing previous task"
NEXT = "on its way to the agent"

CARRIED_OUT_WITHIN = 20.0


class Messages:
    """Implements `bot.api.messages.MessagesPort`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    async def send(
        self, name: str, text: str, *, author: str | None, wait: bool, patience: float | None, key: str | None,
        expires: float | None = None,
    ) -> Sent:  # fmt: skip
        """Commit a message, for an agent that is gone after bringing it back, and watch what becomes of it."""
        found, by = seen(self._parts, name), author or "person"
        source = f"send:{name}:{key or uuid.uuid4()}"

        def job(tx: Tx) -> tuple[int, bool]:
            tx.source = "person"
            known = messages.by_key(tx.sql, source)
            if known is not None:
                return known.id, False
            back = bring_back_if_gone(tx, name, by=by)
            until = None if expires is None else tx.now + expires
            added = messages.add(
                tx, name, kind="person", source_key=source, author=by, parts={"body": text}, expires_at=until
            )
            return added or 0, back

        identity, restored = await self._store.write(job)
        if wait:
            default = self._parts.projects[found.session.project].times.send_wait
            until = time.monotonic() + (default if patience is None else patience)
            await self._watch(identity, until)
            if not restored and self._ended_under(identity, name):
                restored = await self._store.write(lambda tx: _try_again(tx, identity, name, by))
                await self._watch(identity, until)
        return self._sent(identity, name, restored)

    def listing(self, name: str) -> list[MessageView]:
        """Return a session's messages, oldest first."""
        seen(self._parts, name)
        return [_view(one) for one in self._store.read(lambda sql: messages.of_session(sql, name))]

    async def interrupt(self, name: str, text: str | None, *, author: str | None, key: str | None) -> Interrupted:
        """Ask the session's keeper to stop the turn, and wait for what came of it."""
        found, by = self._with_agent(name), author or "person"
        if open_question(found.facts) is not None:
            raise UserError(ASKS.format(id=name))
        source = f"interrupt:{name}:{key or uuid.uuid4()}"

        def job(tx: Tx) -> tuple[int | None, float | None]:
            tx.source = "person"
            known = messages.by_key(tx.sql, source) if text else None
            if known is not None:
                return known.id, None
            facts.learn(tx, name, Interrupt(by=by), source="person")
            said = {"kind": INTERRUPT, "source_key": source, "author": by, "parts": {"body": text}}
            return (messages.add(tx, name, **said) if text else None), tx.now  # type: ignore[arg-type]  # a table of keyword arguments

        identity, at = await self._store.write(job)
        if at is None:
            return Interrupted(result="interrupted", message_id=identity)
        also = "" if identity is None else STILL_SAID
        asked = await self._carried_out(name, lambda look: look.facts.interrupt, since=at, also=also)
        return Interrupted(result="idle" if asked.evidence == IDLE else "interrupted", message_id=identity)

    def question(self, name: str) -> QuestionView:
        """Return what the agent asks."""
        asked = open_question(self._with_agent(name).facts)
        if asked is None:
            raise UserError(NO_QUESTION.format(id=name))
        return QuestionView(id=asked.id, text=asked.text, choices=list(asked.choices), asked_at=iso(asked.asked_at))

    async def decide(
        self, name: str, question: str, *, allow: bool, choice: int | None, why: str | None, author: str | None
    ) -> Decided:
        """Let the session's keeper answer that question, once; what goes with a no is said when the agent listens."""
        found, by = self._with_agent(name), author or "person"
        if self._store.read(lambda sql: sessions.get(sql, by)) is not None:
            raise NotAllowed(NOT_ITSELF.format(author=by))
        can = named(found.session.agent).capabilities

        def job(tx: Tx) -> float:
            tx.source = "person"
            wanted = Decision(by=by, question_id=question, question="", allow=allow, choice=choice)
            decide(tx, name, can, wanted)
            return tx.now

        at = await self._store.write(job)
        done = await self._carried_out(name, lambda look: look.facts.decision, since=at)
        told = (await self.send(name, why, author=author, wait=False, patience=None, key=question)) if why else None
        asked, answer = (done.question, done.answer) if isinstance(done, Decision) else ("", "")
        return Decided(question=asked, allowed=allow, answer=answer, message_id=told.message_id if told else None)

    def _with_agent(self, name: str) -> Look:
        found = seen(self._parts, name)
        if not found.session.live or not found.agent_runs:
            raise UserError(GONE.format(name=name))
        if not found.facts.spawned:
            raise UserError(not_started(name, found.session.queue_position))
        return found

    async def _carried_out(
        self, name: str, which: Callable[[Look], Request | None], *, since: float, also: str = ""
    ) -> Request:
        """Wait until a request is done; UserError says why it could not be, and `also` what was not in vain."""
        with self._store.listening(name) as news, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CARRIED_OUT_WITHIN):
                while True:
                    request = which(seen(self._parts, name))
                    if request is not None and request.at >= since and not request.open:
                        if request.state == "failed":
                            raise UserError(request.evidence)
                        return request
                    self._with_agent(name)
                    await news.wait()
                    news.clear()
        raise UserError(UNANSWERED.format(name=name) + also)

    async def _watch(self, identity: int, until: float) -> None:
        with self._store.listening(f"message:{identity}") as news, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                while (now := self._message(identity)) is not None and now.waiting:
                    await news.wait()
                    news.clear()

    def _ended_under(self, identity: int, name: str) -> bool:
        """Tell whether the agent has ended before it took the message in, and can be brought back."""
        message, found = self._message(identity), seen(self._parts, name)
        gone = not found.session.live or not found.agent_runs
        return message is not None and message.state == FAILED and gone and why_not(found) is None

    def _sent(self, identity: int, name: str, restored: bool) -> Sent:
        message, found = self._message(identity), seen(self._parts, name)
        if message is None or message.state == FAILED:
            why = message.evidence if message else "it was forgotten"
            return Sent(message_id=identity, result="failed", reason=why, restored=restored)
        if message.state == QUEUED:
            busy = found.facts.turn is not None and found.facts.turn.state == "active"
            why = BUSY if busy else found.why_not_type() or message.evidence or NEXT
            return Sent(message_id=identity, result="queued", reason=why, restored=restored)
        if message.state == PASTED:
            return Sent(message_id=identity, result="unconfirmed", reason=message.evidence, restored=restored)
        return Sent(message_id=identity, result="processing", restored=restored)

    def _message(self, identity: int) -> Stored | None:
        return self._store.read(lambda sql: messages.get(sql, identity))


def _try_again(tx: Tx, identity: int, name: str, by: str) -> bool:
    tx.source = "person"
    back = bring_back_if_gone(tx, name, by=by)
    messages.requeue(tx, identity, "the session was brought back")
    return back


def _view(message: Stored) -> MessageView:
    return MessageView(
        id=message.id, kind=message.kind, author=message.author, state=message.state, evidence=message.evidence,  # type: ignore[arg-type]  # one of five literals
        text=message.text or prompts.message(message), created_at=iso(message.created_at),
        changed_at=iso(message.changed_at), attempts=message.attempts,
    )  # fmt: skip
