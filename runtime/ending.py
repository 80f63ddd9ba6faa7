"""Ends a session: quits the agent, keeps what was not pushed, and clears the worktree and branch away."""

from runtime.changes import Cleared
from runtime.facts import Cleaned
from runtime.hands import Hands
from runtime.look import Look
from runtime.status import Status
from runtime.store import facts, sessions
from runtime.store.tx import Tx

FOR_EVER = 1e9

DIED = frozenset({"agent_process_exited", "runtime_lost"})
"""Reasons of an end that nobody asked for."""


async def end(hands: Hands, seen: Look) -> float:
    """Do the next step of the end; return the seconds after which to look again.

    An agent that died by itself leaves its terminal and worktree to be looked at; only its work is kept safe.
    """
    if seen.session.announced_reason in DIED:
        return await _keep_for_a_look(hands, seen)
    grace = _grace_left(hands, seen)
    if grace > 0:
        return grace
    await _clear(hands, seen)
    return 0.0


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
    ref = ""
    if "workspace" in seen.steps:
        pushed = [fact.sha for fact in seen.facts.pushed]
        ref = await hands.workspaces.preserve(seen.session, pushed) or ""
    await hands.store.write(lambda tx: sessions.step_done(tx, seen.session.id, step, ref=ref))
    return ref


async def _clear(hands: Hands, seen: Look) -> None:
    session = seen.session
    await hands.tmux.kill_session(session.id)
    # Again, also when it was kept at the agent's death: a person may have worked in the worktree since.
    ref = await _preserve(hands, seen, "preserved_last")
    hands.wake.unwatch(session.id)
    await hands.close_gate(session.id)
    merged = seen.facts.pull_request is not None and seen.facts.pull_request.state == "merged"
    await hands.workspaces.close(session, merged=merged)
    hands.place(session.id).remove()

    def done(tx: Tx) -> None:
        facts.learn(tx, session.id, Cleaned(preserved=ref), source="service")
        tx.changes.append(Cleared(session=session))

    await hands.store.write(done)
