"""The id by which an agent itself knows its session; it is needed to resume."""

from pathlib import Path

import msgspec

from runtime import pushes
from runtime.agents import Agent
from runtime.said import AgentInfo
from runtime.store import facts, sessions
from runtime.store.tx import Tx
from runtime.trail import Source


def said_in(file: Path, agent: Agent, *, now: float) -> str:
    """Return the id that the agent said last, in all it has pushed; empty when it has said none."""
    said, offset = "", 0
    while True:
        lines, end = pushes.read(file, offset, now=now)
        if end == offset:
            return said
        ids = [_said(line, agent) for line in lines]
        said, offset = next(filter(None, reversed(ids)), said), end


def _said(push: pushes.Push, agent: Agent) -> str | None:
    if isinstance(push, pushes.Hook):
        return agent.own_session_id(push.hook)
    return push.own if isinstance(push, pushes.Ready) else None


def learn(tx: Tx, name: str, own: str, *, source: Source) -> None:
    """Store the id when it is another than the one that is known; an empty one forgets it."""
    session = sessions.get(tx.sql, name)
    if session is None:
        return
    known = facts.of_session(tx.sql, name, session.created_at).agent_info or AgentInfo()
    if known.native_id != own:
        facts.learn(tx, name, msgspec.structs.replace(known, at=tx.now, native_id=own), source=source)
