"""Hands one message to an agent and sees to it that the agent has taken it in."""

import asyncio
import contextlib
import logging

from runtime import prompts
from runtime.hands import Hands
from runtime.inbox import FAILED, PASTED, QUEUED, Message
from runtime.ingest import ingest
from runtime.look import Look, look
from runtime.store import facts, messages
from runtime.typing import Typed, TypingPolicy, as_terminal_text, type_message

log = logging.getLogger(__name__)


def next_message(seen: Look, now: float) -> Message | None:
    """Return the message to type next: one whose typing was cut off, then people's, then machines', oldest first."""
    due = [message for message in seen.waiting if message.not_before <= now and message.kind != "task"]
    return min(due, key=lambda m: (m.state != PASTED, m.kind == "ci", m.id), default=None)


async def deliver(hands: Hands, seen: Look, message: Message) -> None:
    """Type a message and wait for the agent's receipt; without one it is tried again, then failed with the reason."""
    if message.state == PASTED and await _arrived_after_all(hands, message):
        return
    if message.attempts >= hands.patience.send_attempts:
        why = f"the agent took none of {message.attempts} attempts in: {message.evidence}"
        await hands.store.write(lambda tx: messages.mark(tx, message, FAILED, why))
        return
    text = as_terminal_text(prompts.message(message))
    await hands.store.write(lambda tx: messages.mark(tx, message, PASTED, "being typed", text=text))
    typed = await _type(hands, seen, message, text)
    log.info("message typed", extra={"session_id": message.session_id, "message_id": message.id, "how": typed.outcome})
    await _settle(hands, message, typed)


async def _type(hands: Hands, seen: Look, message: Message, text: str) -> Typed:
    policy = TypingPolicy(clear=hands.agents(seen.session.agent).capabilities.clear_keys)
    place, pane = hands.place(message.session_id), str(seen.steps[facts.SPAWNED]["pane"])
    await ingest(hands.store, message.session_id, place.pushes, hands.agents)

    def may_type() -> str | None:
        now = hands.store.read(lambda sql: look(sql, message.session_id))
        if now is None:
            return "the session is gone"
        return now.why_not_type() or (None if now.has_read(place.pushes) else "the agent has just reported something")

    with hands.store.listening(f"message:{message.id}") as accepted:
        return await type_message(hands.tmux, pane, text, may_type=may_type, accepted=accepted, policy=policy)


async def _settle(hands: Hands, message: Message, typed: Typed) -> None:
    """Commit what came of the typing, unless the agent's own word has already decided."""
    if typed.outcome == "accepted":
        return
    state = QUEUED if typed.outcome == "refused" else PASTED
    reason = typed.reason or typed.outcome
    now = hands.store.read(lambda sql: messages.get(sql, message.id))
    if now is None or now.state != PASTED:
        return
    # Only what the agent did not take in counts, not what a crash of ours cut off.
    attempts = message.attempts + (typed.outcome != "refused")
    await hands.store.write(lambda tx: messages.put_back(tx, now, state, reason, attempts=attempts))
    if typed.outcome == "refused":
        await asyncio.sleep(hands.patience.when_refused)


async def _arrived_after_all(hands: Hands, message: Message) -> bool:
    """Wait a moment for the receipt of a message whose typing was cut off, by a crash or without evidence."""
    with hands.store.listening(f"message:{message.id}") as news, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(hands.patience.after_restart):
            await news.wait()
    now = hands.store.read(lambda sql: messages.get(sql, message.id))
    return now is None or now.state != PASTED
