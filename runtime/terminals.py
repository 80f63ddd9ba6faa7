"""Ends a session's terminal, and with it whatever was started in it."""

import asyncio
import logging

from runtime.hands import Hands
from runtime.reaping import end_all, family

log = logging.getLogger(__name__)


async def end_terminal(hands: Hands, session_id: str) -> None:
    """Hang up and wait; what ignores that is ended after a grace. Nothing happens when nothing is there."""
    known = await asyncio.to_thread(family, hands.place(session_id).directory)
    await hands.tmux.kill_session(session_id)
    if stubborn := await end_all(known, grace=hands.patience.hang_up):
        log.warning("ended what ignored the hang-up", extra={"session_id": session_id, "pids": stubborn})
        said = f"{session_id}: {len(stubborn)} of its processes ignored the end of their terminal and were ended"
        await hands.store.write(lambda tx: tx.record("reaped", said, session_id=session_id, pids=list(stubborn)))
