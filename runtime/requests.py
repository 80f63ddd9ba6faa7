"""What people want done at an agent's terminal: the steps that its interruption and an answer to it share."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Literal

import msgspec

from runtime.ear import GONE, Ear
from runtime.hands import Hands
from runtime.look import Look
from runtime.processes import is_agent
from runtime.said import Request
from runtime.store import facts

State = Literal["pressed", "done", "failed"]

ENDED = "the session has ended"
SILENT = "the agent has not reported yet"
RESTLESS = "the agent says one thing after another; try again"


def why_no_key(now: Look | None) -> str | None:
    """Return why no key may be pressed at all: there is no agent there, or none that has spoken yet."""
    if now is None or not now.session.live:
        return ENDED
    if not now.agent_runs or not is_agent(now.facts.process):
        return GONE
    return SILENT if now.facts.turn is None else None


async def settle(
    hands: Hands, name: str, request: Request, state: Literal["pressed", "done", "failed"], why: str
) -> None:
    """Commit how far a request has come, and the evidence."""
    now = msgspec.structs.replace(request, at=0.0, state=state, evidence=why)
    await hands.store.write(lambda tx: facts.learn(tx, name, now, source="service"))


async def press(hands: Hands, seen: Look, ear: Ear, keys: tuple[str, ...]) -> Literal["pressed", "dead", "overtaken"]:
    """Press keys, unless the agent has said something since it was looked at."""
    return await hands.tmux.press_if(ear.is_unchanged, str(seen.steps[facts.SPAWNED]["pane"]), *keys)


async def confirmed(hands: Hands, name: str, ear: Ear, so: Callable[[Look], bool]) -> bool:
    """Wait a while until the agent's own word makes `so` true."""
    with hands.store.listening(name) as news, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(hands.patience.confirm_key):
            while (now := await ear.look()) is not None and not so(now):
                news.clear()
                await news.wait()
    now = await ear.look()
    return now is not None and so(now)
