"""Ends a session: quits the agent, keeps what was not pushed, and clears the worktree away."""

from runtime.changes import Cleared
from runtime.facts import Cleaned
from runtime.hands import Hands
from runtime.look import Look
from runtime.reopening import did_not_resume
from runtime.restore import bring_back
from runtime.status import Status
from runtime.store import facts, sessions
from runtime.store.tx import Tx
from runtime.terminals import end_terminal, quit_agent

FOR_EVER = 1e9

DIED = frozenset({"agent_process_exited", "runtime_lost"})
"""Reasons of an end that nobody asked for."""


async def end(hands: Hands, seen: Look) -> float:
    """Do the next step of the end; return the seconds after which to look again.

    An agent that died by itself leaves its terminal and worktree to be looked at; only its work is kept safe.
    """
    if why := did_not_resume(seen.session, seen.facts):
        by = seen.facts.restored.by if seen.facts.restored else ""
        await hands.store.write(lambda tx: bring_back(tx, seen.session, by=by, fresh_because=why))
        return 0.0
    if _is_left_to_be_looked_at(seen):
        return await _keep_for_a_look(hands, seen)
    grace = _grace_left(hands, seen)
    if grace > 0:
        return grace
    await _clear(hands, seen)
    return 0.0


def _is_left_to_be_looked_at(seen: Look) -> bool:
    """Tell whether nobody asked for this end; a start that failed leaves nothing, unless an earlier agent worked."""
    reason, back = seen.session.announced_reason, seen.facts.restored
    nobody_asked = reason in DIED or (reason == "spawn_failed" and back is not None)
    return nobody_asked and seen.facts.killed is None


def _grace_left(hands: Hands, seen: Look) -> float:
    """Return how long a merged session's agent may still finish its turn."""
    busy = seen.agent_runs and seen.facts.turn is not None and seen.facts.turn.state in ("active", "waiting")
    if not busy or seen.session.announced_status != Status.MERGED or seen.session.ended_at is None:
        return 0.0
    grace = hands.projects[seen.session.project].times.cleanup_grace
    return max(0.0, seen.session.ended_at + grace - hands.clock())


async def _keep_for_a_look(hands: Hands, seen: Look) -> float:
    await _preserve(hands, seen, "preserved")
    return FOR_EVER


async def _preserve(hands: Hands, seen: Look, step: str) -> str:
    """Keep what is not on the forge under a ref; once for each step, however often the end is cut off."""
    if (done := seen.steps.get(step)) is not None:
        return str(done["ref"])
    ref, name = "", seen.session.id
    if "workspace" in seen.steps or "launch" in seen.steps:
        pushed = [fact.sha for fact in seen.facts.pushed]
        ref = await hands.workspaces.preserve(seen.session, pushed) or ""

    def kept(tx: Tx) -> None:
        if not _is_live(tx, name):
            sessions.step_done(tx, name, step, ref=ref)

    await hands.store.write(kept)
    return ref


async def _clear(hands: Hands, seen: Look) -> None:
    session = seen.session
    await quit_agent(hands, seen)
    await end_terminal(hands, session.id)
    # Again, also when it was kept at the agent's death: a person may have worked in the worktree since.
    ref = await _preserve(hands, seen, "preserved_last")
    place = str(hands.workspaces.repository(session).path) if ref else ""
    hands.wake.unwatch(session.id)
    await hands.close_gate(session.id)
    merged = seen.facts.pull_request is not None and seen.facts.pull_request.state == "merged"
    left = await hands.workspaces.close(session, merged=merged)
    hands.place(session.id).remove()

    def done(tx: Tx) -> None:
        if _is_live(tx, session.id):
            return
        facts.learn(tx, session.id, Cleaned(preserved=ref, repository=place, left=left), source="service")
        tx.changes.append(Cleared(session=session))

    await hands.store.write(done)


def _is_live(tx: Tx, name: str) -> bool:
    """Tell whether the session was brought back while its end was under way: it is its keeper's again, from scratch."""
    now = sessions.get(tx.sql, name)
    return now is not None and now.live
