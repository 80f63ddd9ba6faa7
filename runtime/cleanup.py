"""Says which sessions are finished, so that what they hold can be cleared away."""

from runtime.look import Look
from runtime.status import Status

ORCHESTRATOR = "an orchestrator stays until a person ends it"
CLEAN = "cleaned up already"
FINISHING = "merged; its agent is finishing its turn, then it is cleaned up by itself"
AT_WORK = "at work ({status})"

PULL_MERGED = "its pull request #{number} is merged"
PULL_CLOSED = "its pull request #{number} is closed"
ISSUE_CLOSED = "its issue is closed"
DEAD = "its agent is dead ({reason})"


def why_finished(seen: Look) -> str | None:
    """Return why a session is finished, or None when it is not; an orchestrator never is."""
    session, facts = seen.session, seen.facts
    if session.role == "orchestrator" or facts.cleaned is not None:
        return None
    pulls = facts.pull_requests
    if pulls and all(pull.state != "open" for pull in pulls):
        text = PULL_MERGED if pulls[0].state == "merged" else PULL_CLOSED
        return text.format(number=pulls[0].number)
    if facts.issue_closed is not None:
        return ISSUE_CLOSED
    return None if session.live else DEAD.format(reason=session.announced_reason)


def why_left(seen: Look) -> str | None:
    """Return why a session is left alone, or None when nothing speaks for that."""
    session = seen.session
    if session.role == "orchestrator":
        return ORCHESTRATOR
    if seen.facts.cleaned is not None:
        return CLEAN
    turn = seen.facts.turn
    if session.announced_status == Status.MERGED and seen.agent_runs and turn and turn.state in ("active", "waiting"):
        return FINISHING
    return None if why_finished(seen) else AT_WORK.format(status=session.announced_status)
