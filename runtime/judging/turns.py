"""What the agent's own signs say: whether it has started, asks something, works, or has become quiet."""

from runtime.facts import Facts
from runtime.judging.judgement import Judgement, Status
from runtime.project import Times


def waiting(facts: Facts) -> Judgement | None:
    """Return what a person has to decide."""
    turn = facts.turn
    if turn and turn.state == "waiting":
        return Judgement(status=Status.NEEDS_INPUT, reason="awaiting_user_input", evidence=turn.question)
    if turn and turn.state == "blocked":
        return Judgement(status=Status.NEEDS_INPUT, reason="error_in_process", evidence=turn.last_message)
    if facts.paused and facts.paused.paused:
        return Judgement(status=Status.NEEDS_INPUT, reason="paused", evidence=f"label taken away by {facts.paused.by}")
    return None


def starting(facts: Facts, now: float, times: Times) -> Judgement | None:
    """Return how far the start has come, until the agent is first heard."""
    if not facts.spawned:
        return Judgement(status=Status.SPAWNING, reason="spawn_requested")
    if facts.turn:
        return None
    since = facts.process.at if facts.process else facts.spawned_at
    if since is None:
        return Judgement(status=Status.SPAWNING, reason="waiting_for_agent")
    silent_until = since + facts.slept.since(since) + times.spawn_grace
    if now >= silent_until:
        return Judgement(status=Status.STUCK, reason="no_sign_of_work", evidence="nothing heard since its start")
    return Judgement(status=Status.SPAWNING, reason="waiting_for_agent", recheck_at=silent_until)


def alone(facts: Facts, now: float, times: Times) -> Judgement:
    """Return what the agent's last sign means, when nothing else is known."""
    turn = facts.turn
    assert turn is not None  # noqa: S101 - `starting` comes first
    since = last_sign(facts) + facts.slept.since(last_sign(facts))
    quiet = now - since
    if quiet >= times.stuck_after:
        return Judgement(status=Status.STUCK, reason="no_sign_of_work", evidence=f"quiet since {turn.state}")
    if turn.state == "active":
        return Judgement(status=Status.WORKING, reason="task_in_progress", recheck_at=since + times.stuck_after)
    if quiet >= times.idle_after:
        return Judgement(status=Status.IDLE, reason="turn_finished", recheck_at=since + times.stuck_after)
    return Judgement(status=Status.WORKING, reason="turn_finished", recheck_at=since + times.idle_after)


def last_sign(facts: Facts) -> float:
    """Return when the agent last said anything."""
    said = (facts.turn, facts.report, facts.acknowledged)
    return max((fact.at for fact in said if fact is not None), default=facts.created_at)


def activity(facts: Facts, now: float, times: Times) -> str | None:
    """Return what the agent's process is doing: active, ready, idle, waiting_input, blocked, exited, or None."""
    if facts.process and (facts.process.state != "running" or facts.cleaned is not None):
        return "exited"
    if facts.turn is None:
        return None
    quiet = now - facts.turn.at - facts.slept.since(facts.turn.at)
    if facts.turn.state == "ready" and quiet >= times.idle_after:
        return "idle"
    return "waiting_input" if facts.turn.state == "waiting" else facts.turn.state
