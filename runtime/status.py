"""What state a session is in, judged from facts and nothing else."""

import enum

import msgspec

from runtime.facts import Facts, PullRequest
from runtime.project import Times


class Status(enum.StrEnum):
    """The reference documentation's statuses."""

    SPAWNING = "spawning"
    WORKING = "working"
    IDLE = "idle"
    PR_OPEN = "pr_open"
    CI_FAILED = "ci_failed"
    REVIEW_PENDING = "review_pending"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    MERGEABLE = "mergeable"
    MERGED = "merged"
    NEEDS_INPUT = "needs_input"
    STUCK = "stuck"
    ERRORED = "errored"
    KILLED = "killed"
    CLEANUP = "cleanup"
    TERMINATED = "terminated"


ENDED = frozenset({Status.MERGED, Status.ERRORED, Status.KILLED, Status.CLEANUP, Status.TERMINATED})
"""Statuses in which the session no longer works; it holds no issue any more."""

_FAILED = frozenset({"failure", "timed_out", "action_required", "startup_failure", "error"})


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A status, why, and the moment at which time alone could change it."""

    status: Status
    reason: str
    evidence: str = ""
    recheck_at: float | None = None


def judge(facts: Facts, now: float, times: Times) -> Judgement:
    """Return the session's status; the first rule that matches wins.

    A merge outranks everything, death everything but a merge, a pending decision everything alive.
    """
    return (
        _ended(facts)
        or _waiting(facts)
        or _starting(facts, now, times)
        or _pull_request(facts)
        or _alone(facts, now, times)
    )


def _ended(facts: Facts) -> Judgement | None:
    pull = facts.pull_request
    if pull and pull.state == "merged":
        return Judgement(
            status=Status.MERGED, reason="merged", evidence=f"#{pull.number} merged as {pull.merge_sha[:7]}"
        )
    if facts.killed:
        return _killed(facts)
    if failed := facts.spawn_failed:
        return Judgement(status=Status.ERRORED, reason="spawn_failed", evidence=f"{failed.step}: {failed.error}")
    if facts.process and facts.process.state != "running":
        return _process_gone(facts)
    return None


def _killed(facts: Facts) -> Judgement:
    assert facts.killed is not None  # noqa: S101 - the caller has looked
    of = {"manually_killed": Status.KILLED, "issue_closed": Status.CLEANUP}
    status = of.get(facts.killed.reason, Status.TERMINATED)
    return Judgement(status=status, reason=facts.killed.reason, evidence=f"by {facts.killed.by}")


def _process_gone(facts: Facts) -> Judgement:
    process = facts.process
    assert process is not None  # noqa: S101 - the caller has looked
    if process.state == "lost":
        return Judgement(status=Status.KILLED, reason="runtime_lost", evidence="its terminal is gone, no exit code")
    how = f"signal {process.signal}" if process.signal else f"exit code {process.exit_code}"
    if process.signal is None and process.exit_code is None:
        how = "unknown exit code"
    status = Status.TERMINATED if process.exit_code == 0 else Status.ERRORED
    return Judgement(status=status, reason="agent_process_exited", evidence=how)


def _starting(facts: Facts, now: float, times: Times) -> Judgement | None:
    if facts.spawned and facts.turn:
        return None
    if facts.spawned and facts.process:
        silent_until = facts.process.at + times.spawn_grace
        if now >= silent_until:
            return Judgement(status=Status.STUCK, reason="no_sign_of_work", evidence="nothing heard since its start")
        return Judgement(status=Status.SPAWNING, reason="waiting_for_agent", recheck_at=silent_until)
    return Judgement(status=Status.SPAWNING, reason="spawn_requested" if not facts.spawned else "waiting_for_agent")


def _waiting(facts: Facts) -> Judgement | None:
    turn = facts.turn
    if turn and turn.state == "waiting":
        return Judgement(status=Status.NEEDS_INPUT, reason="awaiting_user_input", evidence=turn.question)
    if turn and turn.state == "blocked":
        return Judgement(status=Status.NEEDS_INPUT, reason="error_in_process", evidence=turn.last_message)
    if facts.paused and facts.paused.paused:
        return Judgement(status=Status.NEEDS_INPUT, reason="paused", evidence=f"label taken away by {facts.paused.by}")
    return None


def ci_status(facts: Facts) -> str:
    """Return success, failure, pending or none for the newest commit of the pull request.

    No check at all is `none`, which is not the same as passing.
    """
    head = facts.pull_request.head_sha if facts.pull_request else ""
    conclusions = [check.conclusion for check in facts.checks if check.head_sha == head]
    if any(conclusion in _FAILED for conclusion in conclusions):
        return "failure"
    if any(not conclusion for conclusion in conclusions):
        return "pending"
    return "success" if conclusions else "none"


def review_decision(facts: Facts) -> str:
    """Return changes_requested, approved or none, from each reviewer's last opinion."""
    states = {review.state for review in facts.reviews}
    return "changes_requested" if "changes_requested" in states else "approved" if "approved" in states else "none"


def _pull_request(facts: Facts) -> Judgement | None:
    pull = facts.pull_request
    if pull is None:
        return None
    if pull.state == "closed":
        return Judgement(status=Status.IDLE, reason="pr_closed_waiting_decision", evidence=f"#{pull.number} closed")
    return _open_pull_request(pull, ci_status(facts), review_decision(facts))


def _open_pull_request(pull: PullRequest, checks: str, review: str) -> Judgement:
    seen = f"#{pull.number}: checks {checks}, review {review}"
    if checks == "failure":
        return Judgement(status=Status.CI_FAILED, reason="ci_failing", evidence=seen)
    if review == "changes_requested":
        return Judgement(status=Status.CHANGES_REQUESTED, reason="changes_requested", evidence=seen)
    if review == "approved" and checks in ("success", "none") and not pull.draft and pull.mergeable is not False:
        return Judgement(status=Status.MERGEABLE, reason="merge_ready", evidence=seen)
    if review == "approved":
        return Judgement(status=Status.APPROVED, reason="approved", evidence=seen)
    if checks == "success":
        return Judgement(status=Status.REVIEW_PENDING, reason="review_pending", evidence=seen)
    return Judgement(status=Status.PR_OPEN, reason="pr_created", evidence=seen)


def _alone(facts: Facts, now: float, times: Times) -> Judgement:
    turn = facts.turn
    assert turn is not None  # noqa: S101 - `_starting` comes first
    quiet = now - turn.at
    if quiet >= times.stuck_after:
        return Judgement(status=Status.STUCK, reason="no_sign_of_work", evidence=f"quiet since {turn.state}")
    if turn.state == "active":
        at = turn.at + times.stuck_after
        return Judgement(status=Status.WORKING, reason="task_in_progress", recheck_at=at)
    if quiet >= times.idle_after:
        return Judgement(status=Status.IDLE, reason="turn_finished", recheck_at=turn.at + times.stuck_after)
    return Judgement(status=Status.WORKING, reason="turn_finished", recheck_at=turn.at + times.idle_after)


def activity(facts: Facts, now: float, times: Times) -> str | None:
    """Return what the agent's process is doing: active, ready, idle, waiting_input, blocked, exited, or None."""
    if facts.process and facts.process.state != "running":
        return "exited"
    if facts.turn is None:
        return None
    if facts.turn.state == "ready" and now - facts.turn.at >= times.idle_after:
        return "idle"
    return "waiting_input" if facts.turn.state == "waiting" else facts.turn.state
