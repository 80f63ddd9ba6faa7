"""What the committed rows say about one session, read at one moment."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from runtime.facts import Facts
from runtime.inbox import PASTED, QUEUED, Message
from runtime.judging.probes import fine
from runtime.sessions import Session
from runtime.store import facts, messages, sessions


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A session with its facts, the steps done for it, and the messages it still has to get."""

    session: Session
    facts: Facts
    steps: Mapping[str, Mapping[str, Any]]
    waiting: tuple[Message, ...]

    @property
    def agent_runs(self) -> bool:
        """Tell whether the agent's process was last known to run."""
        return self.facts.process is None or self.facts.process.state == "running"

    def has_read(self, pushes: Path) -> bool:
        """Tell whether everything the agent has pushed so far is taken into account."""
        try:
            return pushes.stat().st_size <= self.session.push_offset
        except OSError:
            return True

    def why_not_type(self) -> str | None:
        """Return why nothing may be typed into the session's pane now, or None when it may."""
        if not self.session.live:
            return "the session has ended"
        if self.session.queue_position:
            return f"the session is number {self.session.queue_position} of those that wait for a free slot"
        if not self.agent_runs:
            return "the agent's process has ended"
        if self.facts.probe is not None and not fine(self.facts.probe):
            return "it is not certain that the agent still runs"
        if self.facts.paused and self.facts.paused.paused:
            return "the session is paused"
        if self.facts.turn is None:
            return "the agent has not reported yet"
        return _NOT_NOW.get(self.facts.turn.state)


_NOT_NOW = {
    "active": "the agent is busy with a turn",
    "waiting": "the agent waits for a decision",
}


def look(sql: sa.Connection, session_id: str) -> Look | None:
    """Return what is known of a session, or None when there is none of this id."""
    session = sessions.get(sql, session_id)
    if session is None:
        return None
    return Look(
        session=session,
        facts=facts.of_session(sql, session_id, session.created_at),
        steps=sessions.steps(sql, session_id),
        waiting=tuple(messages.of_session(sql, session_id, QUEUED, PASTED)),
    )


def looks(sql: sa.Connection, *, projects: Collection[str], live_only: bool) -> list[Look]:
    """Return the same for all sessions of some projects, oldest first, with a handful of queries however many."""
    which = sessions.ids(projects, live_only=live_only)
    listed = sessions.chosen(sql, which)
    known = facts.of_sessions(sql, which, {session.id: session.created_at for session in listed})
    steps, waiting = sessions.steps_of(sql, which), messages.waiting_of(sql, which)
    return [
        Look(session=one, facts=known[one.id], steps=steps.get(one.id, {}), waiting=tuple(waiting.get(one.id, ())))
        for one in listed
    ]
