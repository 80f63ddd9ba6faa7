"""Takes in what an agent has pushed: facts, receipts and the end of turns, once, by file offset."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import sqlalchemy as sa

from runtime import own_id, pushes, reports
from runtime.agents import Agent, named
from runtime.changes import TurnEnded
from runtime.facts import Facts, Process, Turn
from runtime.reports import Said
from runtime.sessions import Session
from runtime.store import facts as fact_rows
from runtime.store import messages, sessions
from runtime.store import reports as report_rows
from runtime.store.store import Store
from runtime.store.tx import Tx


async def ingest(store: Store, session_id: str, file: Path, agents: Callable[[str], Agent] = named) -> None:
    """Take in all that is new in the push file.

    Pushes written while the service was down are found here at its next start. What a raw hook means, the session's
    agent says.
    """
    while await ingest_some(store, session_id, file, agents):
        pass


async def ingest_some(store: Store, session_id: str, file: Path, agents: Callable[[str], Agent] = named) -> bool:
    """Commit the next piece of the push file together with its offset; return whether there was one."""
    session = store.read(lambda sql: _launched(sql, session_id))
    if session is None:
        return False
    lines, offset = pushes.read(file, session.push_offset, now=store.clock())
    if offset == session.push_offset:
        return False
    understood = list(_understood(lines, partial(agents, session.agent)))
    await store.write(partial(_commit, session_id, session.push_offset, understood, offset))
    return True


def _launched(sql: sa.Connection, session_id: str) -> Session | None:
    """Return the session if its agent was launched; what was pushed before a restore's launch is an earlier agent's."""
    return sessions.get(sql, session_id) if "launch" in sessions.steps(sql, session_id) else None


def _commit(session_id: str, expected: int, lines: Sequence[pushes.Push], offset: int, tx: Tx) -> None:
    session = sessions.get(tx.sql, session_id)
    if session is None or session.push_offset != expected:
        return
    for push in lines:
        _take(tx, session, push)
    sessions.change(tx, session_id, push_offset=offset)


def _understood(lines: Sequence[pushes.Push], agent: Callable[[], Agent]) -> Iterator[pushes.Push]:
    for push in lines:
        if not isinstance(push, pushes.Hook):
            yield push
            continue
        if (own := agent().own_session_id(push.hook)) is not None:
            yield pushes.OwnId(at=push.at, session_id=own)
        if (meant := agent().push_from_hook(push.hook)) is not None:
            yield msgspec.structs.replace(meant, at=push.at)


def _take(tx: Tx, session: Session, push: pushes.Push) -> None:
    facts = fact_rows.of_session(tx.sql, session.id, session.created_at)
    before = facts.turn
    if isinstance(push, pushes.OwnId):
        return own_id.learn(tx, session.id, push.session_id, source="push")
    if isinstance(push, pushes.Reported | pushes.Acknowledge):
        return _report(tx, session.id, push)
    if _is_stale(push, before) or _is_of_an_earlier_run(push, facts):
        return None
    for fact in pushes.to_facts(push, before.number if before else 0):
        fact_rows.learn(tx, session.id, fact, source="push")
        if isinstance(fact, Process) and fact.state != "running":
            messages.fail_waiting(tx, session.id, "the agent's process has ended")
    if isinstance(push, pushes.Prompt):
        _receipt(tx, session, push)
    if isinstance(push, pushes.TurnEnded):
        _end_turn(tx, session, push)
    if isinstance(push, pushes.Ready) and before is not None and before.state == "active":
        messages.answer(tx, session.id, "the turn was interrupted")
    return None


def _report(tx: Tx, name: str, push: pushes.Reported | pushes.Acknowledge) -> None:
    session = sessions.get(tx.sql, name)
    if session is None or (push.id and report_rows.of_id(tx.sql, name, push.id)):
        return
    said = (
        Said(id=push.id, what="report", state=push.state, note=push.note, at=push.at)
        if isinstance(push, pushes.Reported)
        else Said(id=push.id, what="acknowledge", at=push.at)
    )
    reports.take(tx, session, said, source="push")


def _is_stale(push: pushes.Push, before: Turn | None) -> bool:
    """Tell whether a push changes nothing: a decision about something else, or ready when it was ready before."""
    if isinstance(push, pushes.Resumed):
        asked = before.question if before is not None and before.state == "waiting" else None
        return asked is None or push.question not in ("", asked)
    return isinstance(push, pushes.Ready) and before is not None and before.state == "ready"


def _is_of_an_earlier_run(push: pushes.Push, facts: Facts) -> bool:
    """Tell whether a process ended that a restore has replaced; its end may be heard of after the new one's start."""
    if not isinstance(push, pushes.Exited):
        return False
    process = facts.process
    if process is None:
        return facts.restored is not None
    return bool(push.run and process.run and push.run != process.run)


def _receipt(tx: Tx, session: Session, push: pushes.Prompt) -> None:
    if messages.take_in(tx, session.id, push.text) is None:
        tx.record("typed", f"{session.id}: a prompt that was typed by hand", session_id=session.id)


def _end_turn(tx: Tx, session: Session, push: pushes.TurnEnded) -> None:
    answered = messages.answer(tx, session.id)
    facts = fact_rows.of_session(tx.sql, session.id, session.created_at)
    since = min((message.changed_at for message in answered), default=tx.now)
    commits = [pushed.sha for pushed in facts.pushed if pushed.at >= since]
    tx.changes.append(
        TurnEnded(
            session=session, facts=facts, answered=answered, last_message=push.last_message,
            commit=commits[-1] if commits else "",
        )
    )  # fmt: skip
