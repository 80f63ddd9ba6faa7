"""Starts a claimed session: worktree, launch files, terminal; each step recorded, each with an undo."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from runtime import full_disk, prompts
from runtime.agents import Task
from runtime.errands import orchestrator_of
from runtime.errors import AoError, Permanent, Retryable, UserError
from runtime.facts import SpawnFailed
from runtime.furnish import furnish
from runtime.hands import Hands
from runtime.inbox import PASTED
from runtime.ingest import ingest
from runtime.launch import agent_environment
from runtime.look import Look, look
from runtime.project import Project
from runtime.read_only import seal
from runtime.reopening import launched, reopen, start, task_key, to_reopen
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
    under_way = _UnderWay()
    try:
        await _take_steps(hands, seen, under_way)
    except Retryable:
        raise
    except NumberTaken:
        prefix = hands.projects[seen.session.project].session_prefix
        await hands.store.write(lambda tx: renumber(tx, seen.session, prefix))
    except (Permanent, UserError, OSError) as exc:
        await _give_up(hands, seen, under_way.step, exc)
    return 0.0


class _UnderWay:
    """Which step a spawn is at, and what goes on beside it."""

    def __init__(self) -> None:
        self.step = "workspace"
        self.gate: asyncio.Future[None] | None = None


async def _take_steps(hands: Hands, seen: Look, under_way: _UnderWay) -> None:
    """Do what is not done yet; the gate is opened beside the rest, and open before the agent starts."""

    def open_gate() -> None:
        under_way.gate = asyncio.ensure_future(hands.open_gate(seen.session.id))

    try:
        workspace = await _workspace(hands, seen, open_gate)
        under_way.step = "launch"
        await _launch(hands, _again(hands, seen), workspace)
        if under_way.gate is not None:
            under_way.step = "gate"
            await under_way.gate
        under_way.step = "terminal"
        await _terminal(hands, seen)
    finally:
        if under_way.gate is not None:
            await asyncio.wait({under_way.gate})


async def _workspace(hands: Hands, seen: Look, open_gate: Callable[[], None]) -> dict[str, Any]:
    """Make the worktree and return what is to be remembered of it.

    It is committed with the next step, unless that takes long: made again, it is what it was.
    """
    session = seen.session
    if to_reopen(seen):
        await reopen(hands, seen)
        return dict(_again(hands, seen).steps["workspace"])
    if "workspace" in seen.steps:
        open_gate()
        return dict(seen.steps["workspace"])
    base, environment = await hands.workspaces.open(session, hands.gate(session.id), when_fresh=open_gate)
    made = {"base": base, "environment": environment}
    if hands.projects[session.project].post_create:
        await hands.store.write(lambda tx: sessions.step_done(tx, session.id, "workspace", **made))
    return made


async def _launch(hands: Hands, seen: Look, workspace: Mapping[str, Any]) -> None:
    session, project, place = seen.session, hands.projects[seen.session.project], hands.place(seen.session.id)
    if "launch" in seen.steps:
        return
    agent = hands.agents(session.agent)
    worktree = hands.workspaces.worktree(session)
    place.open()
    chief = orchestrator_of(hands.store, project.id)
    env = agent_environment(
        hands.environment, session=session.id, project=project.id, issue=session.issue,
        extra={**workspace["environment"], **project.env},
        first_on_path=[place.directory / "bin"],
    )  # fmt: skip
    first = prompts.task(session, project, coordinator=chief.id if chief else "")
    how = start(seen, agent, first, lambda own: agent.remembers(place, env, own))
    place.put("prompt.md", how.prompt)
    await furnish(project, worktree, env)
    if session.role == "orchestrator":
        await asyncio.to_thread(seal, worktree)
    task = Task(
        session=session.id, prompt=how.prompt, worktree=worktree, repository=hands.workspaces.repository(session).path,
        env=env, permissions=project.permissions, rules=project.rules, script=project.script,
        model=_model(session, project), resume=how.resume,
    )  # fmt: skip
    launch = agent.prepare(place, task)
    place.write(launch, worktree=worktree, env=env)

    def done(tx: Tx) -> None:
        if "workspace" not in seen.steps:
            sessions.step_done(tx, session.id, "workspace", **workspace)
        sessions.step_done(tx, session.id, "launch")
        messages.add(
            tx, session.id, kind="task", source_key=task_key(seen), author=session.asked_by, parts={},
            state=PASTED, text=launch.prompt or how.prompt,
        )  # fmt: skip
        launched(tx, seen, place, how)

    # Not synced: a loss of power takes the terminal along that is started next, and what was started is synced.
    await hands.store.write(done, synced=False)


def _model(session: Session, project: Project) -> str | None:
    """Return the model that was asked for; the project's own is for the project's agent."""
    return session.model or (project.model if session.agent == project.agent else None)


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
