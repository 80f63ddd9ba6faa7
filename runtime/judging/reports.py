"""What the agent has reported about itself with `ao report`: its word, believed where nothing stronger is known."""

from runtime.facts import Facts
from runtime.judging.judgement import Judgement, Status
from runtime.said import Report

FRESH = 300.0
"""How long a report says something about now, seconds."""

_MEANS = {
    "started": (Status.WORKING, "agent_acknowledged"),
    "working": (Status.WORKING, "task_in_progress"),
    "waiting": (Status.IDLE, "awaiting_external_review"),
    "needs_input": (Status.NEEDS_INPUT, "awaiting_user_input"),
    "fixing_ci": (Status.WORKING, "fixing_ci"),
    "addressing_reviews": (Status.WORKING, "resolving_review_comments"),
    "pr_created": (Status.PR_OPEN, "pr_created"),
    "draft_pr_created": (Status.PR_OPEN, "pr_created"),
    "ready_for_review": (Status.REVIEW_PENDING, "awaiting_external_review"),
}


def finished(facts: Facts) -> Judgement | None:
    """Return that the agent calls its task completed; a pull request that is open, or was closed later, says more."""
    report, pull = _standing(facts), facts.pull_request
    if report is None or report.state != "completed":
        return None
    if pull and (pull.state == "open" or pull.at > report.at):
        return None
    return Judgement(status=Status.DONE, reason="research_complete", evidence=report.note or "reported by the agent")


def reported(facts: Facts, now: float) -> Judgement | None:
    """Return what a fresh report means."""
    report = _standing(facts)
    if report is None or report.state not in _MEANS or now >= report.at + FRESH:
        return None
    status, reason = _MEANS[report.state]
    evidence = f"reported by the agent: {report.note or report.state}"
    return Judgement(status=status, reason=reason, evidence=evidence, recheck_at=report.at + FRESH)


def _standing(facts: Facts) -> Report | None:
    """Return the last report, unless the agent has been given something to do since."""
    report, turn = facts.report, facts.turn
    if report and turn and turn.state == "active" and turn.at > report.at:
        return None
    return report
