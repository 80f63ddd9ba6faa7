"""Starts a claimed session: worktree, launch files, terminal; each step recorded, each with an undo.

An agent is started while the files of its worktree are still being written, and held back until they are there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from runtime import full_disk
from runtime.both import both
from runtime.equipment import Equipment, environment_of, equip
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
    except NumberTaken as taken:
        await _take_another_number(hands, seen, taken)
    except _StepFailed as failed:
        await _give_up(hands, seen, failed.step, failed.why)
    return 0.0


async def _take_another_number(hands: Hands, seen: Look, taken: NumberTaken) -> None:
    """Give a session that has nothing yet another name; one whose terminal waits under the old one has failed."""
    if "launch" in seen.steps:
        return await _give_up(hands, seen, "workspace", taken)
    prefix = hands.projects[seen.session.project].session_prefix
    await hands.store.write(lambda tx: renumber(tx, seen.session, prefix))


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
    """Do what is not done yet."""
    if to_reopen(seen):
        with _step("workspace"):
            await reopen(hands, seen)
        seen = _again(hands, seen)
    workspace, pane = await _workspace(hands, seen)
    place, name = hands.place(seen.session.id), seen.session.id
    with _step("launch"):
        if not place.go.exists():
            await _finish(hands, seen, workspace["environment"])
        place.let_go()

    def done(tx: Tx) -> None:
        if "workspace" not in sessions.steps(tx.sql, name):
            sessions.step_done(tx, name, "workspace", **workspace)
        sessions.step_done(tx, name, facts.SPAWNED, pane=pane)

    await hands.store.write(done)
    # An agent that was started before a crash may have said all it has to say while nobody listened.
    await ingest(hands.store, name, place.pushes, hands.agents)


async def _workspace(hands: Hands, seen: Look) -> tuple[dict[str, Any], str]:
    """Make the worktree, and beside it all that waits for it; return what is to be remembered of it, and the pane.

    It is committed with the last step, unless something comes that takes long: made again, it is what it was.
    """
    session = seen.session
    if "workspace" in seen.steps:
        known = dict(seen.steps["workspace"])
        return known, await _held_back(hands, seen, known["environment"])
    with _step("workspace"):
        base, environment, pane = await hands.workspaces.open(
            session, hands.gate(session.id), beside=partial(_held_back, hands, seen)
        )
    made = {"base": base, "environment": environment}
    if hands.projects[session.project].post_create:
        await hands.store.write(lambda tx: sessions.step_done(tx, session.id, "workspace", **made))
    return made, pane


async def _held_back(hands: Hands, seen: Look, environment: Mapping[str, str]) -> str:
    """Open the gate and the terminal in which the agent waits for its worktree; return the pane."""
    session, place = seen.session, hands.place(seen.session.id)
    if "launch" in seen.steps:
        await _gate(hands, seen)
    else:
        _, equipment = await both(_gate(hands, seen), _equip(hands, seen, environment))
        await _commit_launch(hands, seen, equipment)
    with _step("terminal"):
        hands.listen(session.id)
        return await hands.tmux.new_session(session.id, cwd=hands.workspaces.worktree(session), argv=place.argv)


async def _equip(hands: Hands, seen: Look, environment: Mapping[str, str]) -> Equipment:
    with _step("launch"):
        return equip(hands, seen, environment)


async def _gate(hands: Hands, seen: Look) -> None:
    with _step("gate"):
        await hands.open_gate(seen.session.id)


async def _commit_launch(hands: Hands, seen: Look, equipment: Equipment) -> None:
    session = seen.session

    def done(tx: Tx) -> None:
        sessions.step_done(tx, session.id, "launch")
        messages.add(
            tx, session.id, kind="task", source_key=task_key(seen), author=session.asked_by, parts={},
            state=PASTED, text=equipment.prompt,
        )  # fmt: skip
        launched(tx, seen, hands.place(session.id), equipment.how)

    # Not synced: a loss of power takes the terminal along that is started next, and what was started is synced.
    await hands.store.write(done, synced=False)


async def _finish(hands: Hands, seen: Look, environment: Mapping[str, str]) -> None:
    """Do to the worktree what the project asks for; may be repeated until the agent is let go."""
    session, worktree = seen.session, hands.workspaces.worktree(seen.session)
    await furnish(hands.projects[session.project], worktree, environment_of(hands, session, environment))
    if session.role == "orchestrator":
        await asyncio.to_thread(seal, worktree)


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
