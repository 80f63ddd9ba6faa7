"""Starts a claimed session: worktree, launch files, terminal; each step recorded, each with an undo."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime import full_disk
from runtime.equipment import Equipment, equip
from runtime.errors import AoError, Permanent, Retryable, UserError
from runtime.facts import SpawnFailed
from runtime.furnish import furnish
from runtime.hands import Hands
from runtime.inbox import PASTED
from runtime.ingest import ingest
from runtime.look import Look, look
from runtime.read_only import seal
from runtime.reopening import launched, reopen, task_key, to_reopen
from runtime.sessions import Session
from runtime.store import facts, messages, sessions
from runtime.store.renumber import renumber
from runtime.store.tx import Tx
from runtime.terminals import end_terminal
from runtime.workspace import both
from runtime.workspaces import NumberTaken

log = logging.getLogger(__name__)

FULL = 1e9


async def spawn(hands: Hands, seen: Look) -> float:
    """Do the steps that are not done yet; a failure that will not get better undoes them all.

    One that waits for a free slot does nothing: the commit that gives it one wakes it.
    """
    if seen.session.queue_position:
        return FULL
    try:
        await _take_steps(hands, seen)
    except NumberTaken:
        prefix = hands.projects[seen.session.project].session_prefix
        await hands.store.write(lambda tx: renumber(tx, seen.session, prefix))
    except _StepFailed as failed:
        await _give_up(hands, seen, failed.step, failed.why)
    return 0.0


class _StepFailed(Exception):
    """A step will not get better by being tried again."""

    def __init__(self, step: str, why: Exception) -> None:
        super().__init__(step, why)
        self.step, self.why = step, why


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Say which step it was that failed."""
    try:
        yield
    except (Retryable, NumberTaken):
        raise
    except (Permanent, UserError, OSError) as exc:
        raise _StepFailed(name, exc) from exc


async def _take_steps(hands: Hands, seen: Look) -> None:
    """Do what is not done yet; the gate is open before the agent starts."""
    if to_reopen(seen):
        with _step("workspace"):
            await reopen(hands, seen)
        seen = _again(hands, seen)
    if "launch" in seen.steps:
        await _gate(hands, seen)
    else:
        await _launch(hands, seen, *await _workspace(hands, seen))
    with _step("terminal"):
        await _terminal(hands, seen)


async def _workspace(hands: Hands, seen: Look) -> tuple[dict[str, Any], Equipment]:
    """Make the worktree, and beside it what the agent is started with; return what is to be remembered of it.

    It is committed with the next step, unless that takes long: made again, it is what it was.
    """
    session = seen.session

    async def beside(environment: Mapping[str, str]) -> Equipment:
        return (await both(_gate(hands, seen), _equip(hands, seen, environment)))[1]

    if "workspace" in seen.steps:
        known = dict(seen.steps["workspace"])
        return known, await beside(known["environment"])
    with _step("workspace"):
        base, environment, equipment = await hands.workspaces.open(session, hands.gate(session.id), beside=beside)
    made = {"base": base, "environment": environment}
    if hands.projects[session.project].post_create:
        await hands.store.write(lambda tx: sessions.step_done(tx, session.id, "workspace", **made))
    return made, equipment


async def _equip(hands: Hands, seen: Look, environment: Mapping[str, str]) -> Equipment:
    with _step("launch"):
        return equip(hands, seen, environment)


async def _gate(hands: Hands, seen: Look) -> None:
    with _step("gate"):
        await hands.open_gate(seen.session.id)


async def _launch(hands: Hands, seen: Look, workspace: Mapping[str, Any], equipment: Equipment) -> None:
    """Finish the worktree, and commit it with what the agent is started with."""
    session, worktree = seen.session, hands.workspaces.worktree(seen.session)
    with _step("launch"):
        await furnish(hands.projects[session.project], worktree, equipment.env)
        if session.role == "orchestrator":
            await asyncio.to_thread(seal, worktree)

    def done(tx: Tx) -> None:
        sessions.step_done(tx, session.id, "workspace", **workspace)
        sessions.step_done(tx, session.id, "launch")
        messages.add(
            tx, session.id, kind="task", source_key=task_key(seen), author=session.asked_by, parts={},
            state=PASTED, text=equipment.prompt,
        )  # fmt: skip
        launched(tx, seen, hands.place(session.id), equipment.how)

    # Not synced: a loss of power takes the terminal along that is started next, and what was started is synced.
    await hands.store.write(done, synced=False)


async def _terminal(hands: Hands, seen: Look) -> None:
    session, place = seen.session, hands.place(seen.session.id)
    hands.listen(session.id)
    pane = await hands.tmux.new_session(session.id, cwd=hands.workspaces.worktree(session), argv=place.argv)
    await hands.store.write(lambda tx: sessions.step_done(tx, session.id, facts.SPAWNED, pane=pane))
    # An agent that was started before a crash may have said all it has to say while nobody listened.
    await ingest(hands.store, session.id, place.pushes, hands.agents)


def _again(hands: Hands, seen: Look) -> Look:
    """Look again after a step, for what it has left behind."""
    return hands.store.read(lambda sql: look(sql, seen.session.id)) or seen


def _undos(hands: Hands, session: Session) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    """Return what undoes the steps, the last one first; a branch with commits stays."""
    return [
        ("terminal", lambda: end_terminal(hands, session.id)),
        ("gate", lambda: hands.close_gate(session.id)),
        ("workspace", lambda: hands.workspaces.close(session, merged=False)),
    ]


def _places(hands: Hands, session: Session) -> list[Path]:
    """Return where a start writes, each of which may be on a disk of its own."""
    worktree, repository = hands.workspaces.worktree(session), hands.workspaces.repository(session)
    return [worktree.parent, repository.path, hands.launch_root]


async def _give_up(hands: Hands, seen: Look, step: str, exc: Exception) -> None:
    session = seen.session
    error = full_disk.why(exc, _places(hands, session))
    log.warning("spawn failed", extra={"session_id": session.id, "step": step, "error": error})
    left: list[str] = []
    for name, undo in _undos(hands, session):
        if name == "workspace" and seen.facts.restored is not None:
            continue  # what an earlier agent did there is not undone with a start that failed
        try:
            await undo()
        except (AoError, OSError) as failure:
            left.append(f"{name} ({failure})")
    failed = SpawnFailed(step=step, error=error[:500], left_behind=tuple(left))
    await hands.store.write(lambda tx: facts.learn(tx, session.id, failed, source="spawn"))
