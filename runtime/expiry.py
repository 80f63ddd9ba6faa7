"""Tells when a message is no longer worth its delivery, because what it says is not so any more."""

from runtime.facts import Check, Facts
from runtime.inbox import QUEUED, Message

TOO_LATE = "the agent had no time for it while it was of use"
SUPERSEDED = "a newer commit, {sha}, has been pushed since"
PASSED = "the checks have passed since"


def why_expired(message: Message, facts: Facts, now: float) -> str | None:
    """Return why a message need not be delivered any more, or None; what was begun to be typed is seen through."""
    if message.state != QUEUED:
        return None
    if message.expires_at is not None and now >= message.expires_at:
        return TOO_LATE
    return _no_longer_red(message, facts) if message.kind == "ci" else None


def newest(facts: Facts) -> str:
    """Return the newest commit of the session that the forge has, or an empty string."""
    pull = facts.pull_request
    pushed = facts.pushed[-1] if facts.pushed else None
    if pushed is not None and (pull is None or pushed.at >= pull.at):
        return pushed.sha
    return pull.head_sha if pull else ""


def _no_longer_red(message: Message, facts: Facts) -> str | None:
    """Return why failed checks are no longer news."""
    told = {(part["head_sha"], name) for name, part in message.parts.items()}
    head = newest(facts)
    if head and head not in {sha for sha, _ in told}:
        return SUPERSEDED.format(sha=head[:7])
    now_green = {(check.head_sha, check.name) for check in facts.checks if _passed(check)}
    return PASSED if told and told <= now_green else None


def _passed(check: Check) -> bool:
    return check.conclusion in ("success", "neutral", "skipped")
