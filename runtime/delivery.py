"""Hands one message to an agent and sees to it that the agent has taken it in."""

import logging

from runtime import prompts, typing
from runtime.hands import Hands
from runtime.inbox import ACCEPTED, ANSWERED, FAILED, PASTED, QUEUED, Message
from runtime.ingest import ingest
from runtime.look import Look, look
from runtime.store import facts, messages

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
        why = f"the agent took none of {message.attempts} attempts in"
        await hands.store.write(lambda tx: messages.mark(tx, message, FAILED, why))
        return
    await _type(hands, seen, message)
