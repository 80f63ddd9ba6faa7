"""Hands one message to an agent and sees to it that the agent has taken it in.

A session has one keeper, and only the keeper types: that is the lock. Deliveries to one session never overlap.
"""

import asyncio
import logging

import msgspec

from runtime import prompts
from runtime.composer import as_terminal_text, is_one_of
from runtime.ear import Ear
from runtime.hands import Hands
from runtime.inbox import PASTED, Message
from runtime.look import Look
from runtime.store import facts, messages
from runtime.typing import HELD, Target, Typed, TypingPolicy, held, type_message

log = logging.getLogger(__name__)

UNTAKEN = "the agent took none of {attempts} attempts in: {reason}"


def next_message(seen: Look, now: float) -> Message | None:
    """Return the message to type next: one whose typing was cut off, then people's, then machines', oldest first."""
    due = [message for message in seen.waiting if message.not_before <= now and message.kind != "task"]
    return min(due, key=lambda m: (m.state != PASTED, m.rank, m.id), default=None)


async def deliver(hands: Hands, seen: Look, message: Message) -> float:
    """Type a message and wait for the agent's receipt; without one it is tried again, then failed with the reason.

    Returns the seconds after which to look again even if nothing happens.
    """
    target, policy = _target(hands, seen), _policy(hands, seen)
    why = await target.may_type() or (await held(target, policy) if message.evidence in HELD else None)
    if why is not None:
        return await _wait(hands, message, why)
    resumed = message.state == PASTED
    text = message.text if resumed and message.text is not None else as_terminal_text(prompts.message(message))
    if not resumed:
        await hands.store.write(lambda tx: messages.mark(tx, message, PASTED, "being typed", text=text))
    with hands.store.listening(f"message:{message.id}") as news:
        typed = await _type(hands, message, target, policy, text, news)
    log.info("message typed", extra={"session_id": message.session_id, "message_id": message.id, "how": typed.outcome})
    return await _settle(hands, message, typed)


async def _wait(hands: Hands, message: Message, why: str) -> float:
    """Leave a message alone for a moment, and let everybody see why."""
    if why != message.evidence:
        await hands.store.write(lambda tx: messages.note(tx, message, why))
    return hands.patience.people_first if why in HELD else hands.patience.when_refused


def _policy(hands: Hands, seen: Look) -> TypingPolicy:
    can = hands.agents(seen.session.agent).capabilities
    keys = {"clear": can.clear_keys, "submit": can.submit_key, "empty_at": can.empty_at}
    return msgspec.structs.replace(hands.patience.typing, **keys)


def _target(hands: Hands, seen: Look) -> Target:
    name = seen.session.id
    typed = hands.store.read(lambda sql: messages.typed_lately(sql, name))
    ear = Ear(hands, name)
    return Target(
        tmux=hands.tmux, session=name, pane=str(seen.steps[facts.SPAWNED]["pane"]), clock=hands.clock,
        may_type=ear.why_not_type, still=ear.is_unchanged, is_ours=lambda line: is_one_of(line, typed),
    )  # fmt: skip


async def _type(
    hands: Hands, message: Message, target: Target, policy: TypingPolicy, text: str, news: asyncio.Event
) -> Typed:
    resumed = message.state == PASTED
    if resumed and await _arrived_after_all(hands, message, news):
        return Typed("accepted")
    return await type_message(target, text, accepted=news, policy=policy, typed_before=resumed)


async def _settle(hands: Hands, message: Message, typed: Typed) -> float:
    """Commit what came of the typing, unless the agent's own word has already decided."""
    now = hands.store.read(lambda sql: messages.get(sql, message.id))
    if typed.outcome == "accepted" or now is None or now.state != PASTED:
        return 0.0
    reason = typed.reason or typed.outcome
    if typed.outcome in ("refused", "held"):
        await hands.store.write(lambda tx: messages.put_back(tx, now, message.state, reason, attempts=message.attempts))
        return hands.patience.people_first if typed.outcome == "held" else hands.patience.when_refused
    # Only what the agent did not take in counts: not a dialog, a death or a crash of ours that came in between.
    attempts = message.attempts + (typed.outcome == "not_accepted")
    if attempts >= hands.patience.send_attempts:
        why = UNTAKEN.format(attempts=attempts, reason=reason)
        await hands.store.write(lambda tx: messages.fail(tx, now, why))
        return 0.0
    await hands.store.write(lambda tx: messages.put_back(tx, now, PASTED, reason, attempts=attempts))
    return hands.patience.probe_every if typed.outcome == "dead" else hands.patience.when_refused


async def _arrived_after_all(hands: Hands, message: Message, news: asyncio.Event) -> bool:
    """Wait a moment for the receipt of a message whose typing was cut off, by a crash or without evidence."""
    try:
        async with asyncio.timeout(hands.patience.after_restart):
            await news.wait()
    except TimeoutError:
        return False
    news.clear()
    now = hands.store.read(lambda sql: messages.get(sql, message.id))
    return now is None or now.state != PASTED
