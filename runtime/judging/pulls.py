"""What the pull request says: its checks, its reviews, and what follows for the session."""

from runtime.facts import Facts, PullRequest
from runtime.judging.judgement import Judgement, Status

_FAILED = frozenset({"failure", "timed_out", "action_required", "startup_failure", "error"})


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


def of_pull_request(facts: Facts) -> Judgement | None:
    """Return what an open or closed pull request makes of the session."""
    pull = facts.pull_request
    if pull is None:
        return None
    if pull.state == "closed":
        return Judgement(status=Status.IDLE, reason="pr_closed_waiting_decision", evidence=f"#{pull.number} closed")
    return _open(pull, ci_status(facts), review_decision(facts))


def _open(pull: PullRequest, checks: str, review: str) -> Judgement:
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
