"""Ends a session's terminal, and with it whatever was started in it."""

import asyncio
import logging

from runtime.hands import Hands
from runtime.look import Look
from runtime.reaping import end_all, family
from runtime.store import facts

log = logging.getLogger(__name__)

_ROUNDS = 3
"""What is ended may have started something just before."""


async def quit_agent(hands: Hands, seen: Look) -> None:
    """Let an agent that is idle exit by itself, so that it can put its own records in order; wait a moment for that."""
    turn = seen.facts.turn
    if facts.SPAWNED not in seen.steps or not seen.agent_runs or turn is None or turn.state != "ready":
        return
    known = await asyncio.to_thread(family, hands.place(seen.session.id).directory)
    keys = hands.agents(seen.session.agent).quit_keys
    if known and await hands.tmux.press(str(seen.steps[facts.SPAWNED]["pane"]), *keys):
        await end_all(known, grace=hands.patience.quit, insists=False)


async def end_terminal(hands: Hands, session_id: str) -> None:
    """Hang up and wait; what ignores that is ended after a grace. Nothing happens when nothing is there."""
    launch, stubborn = hands.place(session_id).directory, list[int]()
    known = await asyncio.to_thread(family, launch)
    await hands.tmux.kill_session(session_id)
    await end_all(known, grace=hands.patience.hang_up, insists=False)
    for _ in range(_ROUNDS):
        # Looked at before the first is ended: what it has started meanwhile is told by its descent only.
        known |= await asyncio.to_thread(family, launch)
        stubborn += (ended := await end_all(known, grace=0.0))
        if not ended:
            break
    if stubborn:
        log.warning("ended what ignored the hang-up", extra={"session_id": session_id, "pids": stubborn})
        said = f"{session_id}: {len(stubborn)} of its processes ignored the end of their terminal and were ended"
        await hands.store.write(lambda tx: tx.record("reaped", said, session_id=session_id, pids=list(stubborn)))
