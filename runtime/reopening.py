"""Starts a restored session again: its worktree as it was, its agent resumed where that is possible."""

from collections.abc import Callable

import msgspec

from runtime import prompts
from runtime.agents import Agent
from runtime.facts import Facts
from runtime.hands import Hands
from runtime.launch import LaunchPlace
from runtime.look import Look
from runtime.sessions import Session
from runtime.store import facts, messages, restores, sessions
from runtime.store.tx import Tx
from runtime.terminals import end_terminal

CANNOT = "{agent} cannot go on with a session of its own that has ended"
NO_ID = "{agent} has not said which session of its own it was"
NO_RECORD = "the record of its own session is gone, so {agent} cannot go on with it"
DID_NOT_START = "{agent} ended again when it was to go on with its own session"


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent is started: `resume` names its own session; without it `why_fresh` says why not."""

    prompt: str
    resume: str | None = None
    why_fresh: str = ""


def to_reopen(seen: Look) -> bool:
    """Tell whether the session was brought back and does not have its worktree again yet."""
    return seen.facts.restored is not None and "workspace" in seen.steps and restores.REOPENED not in seen.steps


async def reopen(hands: Hands, seen: Look) -> None:
    """End what is left of the earlier agent, and bring the worktree back; may be repeated."""
    session = seen.session
    await end_terminal(hands, session.id)
    environment, replayed = await hands.workspaces.reopen(
        session, hands.gate(session.id), merged=_was_merged(seen), pushed=bool(seen.facts.pushed)
    )
    workspace = {**seen.steps["workspace"], "environment": environment}

    def done(tx: Tx) -> None:
        sessions.step_done(tx, session.id, "workspace", **workspace)
        sessions.step_done(tx, session.id, restores.REOPENED, replayed=replayed)

    await hands.store.write(done)


def _was_merged(seen: Look) -> bool:
    """Tell whether the session was brought back although its pull request is merged."""
    return seen.facts.restored is not None and seen.facts.restored.after == "merged"


def start(seen: Look, agent: Agent, task: str, remembers: Callable[[str], bool]) -> Start:
    """Return how the session's agent is started; `task` is its first prompt, `remembers` asks for its own record."""
    back, known = seen.facts.restored, seen.facts.agent_info
    if back is None:
        return Start(prompt=task)
    own = known.native_id if known else ""
    why_fresh = back.why_fresh or _why_fresh(agent, own, remembers)
    if not why_fresh:
        return Start(prompt=prompts.go_on(back.after), resume=own)
    return Start(prompt=prompts.begin_again(task, seen.session, seen.facts, back.after), why_fresh=why_fresh)


def _why_fresh(agent: Agent, own: str, remembers: Callable[[str], bool]) -> str:
    if not agent.capabilities.can_resume:
        return CANNOT.format(agent=agent.name)
    if not own:
        return NO_ID.format(agent=agent.name)
    return "" if remembers(own) else NO_RECORD.format(agent=agent.name)


def launched(tx: Tx, seen: Look, place: LaunchPlace, how: Start) -> None:
    """Note how a restored session's agent is started; whatever the earlier one pushed is the past."""
    back, name = seen.facts.restored, seen.session.id
    if back is None:
        return
    sessions.change(tx, name, push_offset=place.pushes.stat().st_size)
    decided = msgspec.structs.replace(back, how="resumed" if how.resume else "fresh", why_fresh=how.why_fresh)
    facts.learn(tx, name, decided, source="service")
    if not how.resume:
        messages.ask_again(tx, name, "the agent that took it in has ended")


def task_key(seen: Look) -> str:
    """Return the source key of the first prompt: one for each time that the agent is started."""
    back = seen.facts.restored
    return f"task:{seen.session.id}" + (f":{back.at}" if back else "")


def did_not_resume(session: Session, known: Facts) -> str:
    """Return why the agent has to be started afresh: it ended before it said a word of its own; empty if it did."""
    back = known.restored
    died = known.process is not None and known.process.state == "exited" and known.turn is None
    resumed = back is not None and back.how == "resumed" and known.killed is None
    return DID_NOT_START.format(agent=session.agent) if resumed and died else ""
