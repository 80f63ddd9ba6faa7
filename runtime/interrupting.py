"""Stops what an agent is doing, for a person who wants to be heard now.

The key is pressed on a busy agent only: it means no at a dialog, and something else again to an idle agent. A second
time only while the agent itself says that it is still busy.
"""

from typing import Literal

from runtime.ear import Ear
from runtime.hands import Hands
from runtime.look import Look
from runtime.requests import RESTLESS, confirmed, press, settle, why_no_key

PRESSES, TRIES = 2, 6

IDLE = "the agent was idle already"
STOPPED = "the agent says that its turn has ended"
ASKS = "the agent waits for a decision: `ao approve {id}` or `ao deny {id}` answers it"
STILL_BUSY = (
    "the agent goes on with its turn: look at it with `ao session attach {id}`, end it with `ao session kill {id}`"
)


def is_due(seen: Look) -> bool:
    """Tell whether a person waits for the agent to be interrupted."""
    return seen.facts.interrupt is not None and seen.facts.interrupt.open


async def interrupt(hands: Hands, seen: Look) -> None:
    """Press the agent's key for it until the agent says that its turn is over, twice at most."""
    asked, name, pressed = seen.facts.interrupt, seen.session.id, 0
    assert asked is not None  # noqa: S101 - `is_due` has looked
    ear, keys = Ear(hands, name), hands.agents(seen.session.agent).capabilities.interrupt_keys
    for _ in range(TRIES):
        now = await ear.look()
        if (outcome := _outcome(now, pressed > 0 or asked.state == "pressed")) is not None:
            return await settle(hands, name, asked, *outcome)
        if pressed == PRESSES:
            return await settle(hands, name, asked, "failed", STILL_BUSY.format(id=name))
        if pressed == 0:
            await settle(hands, name, asked, "pressed", "the key is pressed")
        if await press(hands, seen, ear, keys) == "pressed":
            pressed += 1
            await confirmed(hands, name, ear, lambda look: _outcome(look, True) is not None)
    return await settle(hands, name, asked, "failed", RESTLESS)


def _outcome(now: Look | None, pressed: bool) -> tuple[Literal["done", "failed"], str] | None:
    """Return what has come of it, or None while the agent is busy."""
    if why := why_no_key(now):
        return "failed", why
    assert now is not None  # noqa: S101 - `why_no_key` has looked
    assert now.facts.turn is not None  # noqa: S101 - likewise
    if now.facts.turn.state == "waiting":
        return "failed", ASKS.format(id=now.session.id)
    if now.facts.turn.state == "active":
        return None
    return "done", STOPPED if pressed else IDLE
