"""What a session's agent is started with, written into its launch directory while its worktree is still being made."""

from collections.abc import Mapping

import msgspec

from runtime import prompts
from runtime.agents import Task
from runtime.errands import orchestrator_of
from runtime.hands import Hands
from runtime.launch import agent_environment
from runtime.look import Look
from runtime.project import Project
from runtime.reopening import Start, start
from runtime.sessions import Session


class Equipment(msgspec.Struct, frozen=True, kw_only=True):
    """`prompt` is what the agent will report as its first one."""

    how: Start
    prompt: str


def equip(hands: Hands, seen: Look, environment: Mapping[str, str]) -> Equipment:
    """Write the launch files; may be repeated. `environment` is what the agent's git needs to be told.

    Raises:
        UserError: the agent cannot be started so; says what to mend.

    """
    session, project, place = seen.session, hands.projects[seen.session.project], hands.place(seen.session.id)
    agent, worktree = hands.agents(session.agent), hands.workspaces.worktree(session)
    place.open()
    env = environment_of(hands, session, environment)
    chief = orchestrator_of(hands.store, project.id)
    first = prompts.task(session, project, coordinator=chief.id if chief else "")
    how = start(seen, agent, first, lambda own: agent.remembers(place, env, own))
    place.put("prompt.md", how.prompt)
    task = Task(
        session=session.id, prompt=how.prompt, worktree=worktree, repository=hands.workspaces.repository(session).path,
        env=env, permissions=project.permissions, rules=project.rules, script=project.script,
        model=_model(session, project), resume=how.resume,
    )  # fmt: skip
    launch = agent.prepare(place, task)
    place.write(launch, worktree=worktree, env=env)
    return Equipment(how=how, prompt=launch.prompt or how.prompt)


def environment_of(hands: Hands, session: Session, told: Mapping[str, str]) -> dict[str, str]:
    """Return an agent's environment besides what its adapter adds; `told` is for its git."""
    project, place = hands.projects[session.project], hands.place(session.id)
    return agent_environment(
        hands.environment, session=session.id, project=project.id, issue=session.issue,
        extra={**told, **project.env}, first_on_path=[place.directory / "bin"],
    )  # fmt: skip


def _model(session: Session, project: Project) -> str | None:
    """Return the model that was asked for; the project's own is for the project's agent."""
    return session.model or (project.model if session.agent == project.agent else None)
