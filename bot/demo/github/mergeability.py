"""Whether a pull request can be merged, from git and from its checks."""

from __future__ import annotations

from bot.demo.github import commits, git
from bot.demo.github.records import CheckRun, Issue, Pull, Repository, Review, Size, Status

BAD = frozenset({"failure", "timed_out", "cancelled", "action_required", "startup_failure", "stale"})


def latest_statuses(repo: Repository, sha: str) -> list[Status]:
    """The newest status of each context."""
    newest = {status.context: status for status in repo.statuses if status.sha == sha}
    return list(newest.values())


def latest_runs(repo: Repository, sha: str) -> list[CheckRun]:
    """The newest run of each app and name."""
    newest = {(run.suite.app.id, run.name): run for run in repo.runs(sha)}
    return list(newest.values())


def rollup(repo: Repository, sha: str) -> str | None:
    """The one word for all checks of a commit; None when there are none."""
    states = [status.state.upper() for status in latest_statuses(repo, sha)]
    for run in latest_runs(repo, sha):
        bad = run.conclusion in BAD
        states.append("PENDING" if run.status != "completed" else "FAILURE" if bad else "SUCCESS")
    for worst in ("FAILURE", "ERROR", "PENDING"):
        if worst in states:
            return worst
    return "SUCCESS" if states else None


def merge_state(repo: Repository, pull: Pull) -> str:
    """GraphQL's mergeStateStatus; REST gives the same in lower case."""
    if pull.mergeable is None or pull.merged_at:
        return "UNKNOWN"
    if not pull.mergeable:
        return "DIRTY"
    if pull.draft:
        return "DRAFT"
    return "CLEAN" if rollup(repo, pull.head_sha) in (None, "SUCCESS") else "UNSTABLE"


def review_decision(repo: Repository, pull: Pull) -> str | None:
    """What the writers' latest opinions come to."""
    opinions = {
        review.state for review in latest_opinions(pull) if repo.role(review.user) in ("write", "maintain", "admin")
    }
    for decision in ("CHANGES_REQUESTED", "APPROVED"):
        if decision in opinions:
            return decision
    return None


def latest_opinions(pull: Pull) -> list[Review]:
    """The newest approval, change request or dismissal of each reviewer; plain comments change no opinion."""
    newest = {review.user.id: review for review in pull.reviews if review.state != "COMMENTED"}
    return list(newest.values())


async def refresh(repo: Repository, issue: Issue) -> None:
    """Compute mergeability and size of an open pull request anew from its branches."""
    pull = issue.pull
    if pull is None or pull.merged_at:
        return
    base = await git.resolve(repo.path, f"refs/heads/{pull.base_ref}")
    if base is None:
        return
    pull.base_sha = base
    code, _ = await git.attempt(repo.path, "merge-tree", "--write-tree", base, pull.head_sha)
    pull.mergeable = code == 0
    pull.size = await _size(repo, pull)


async def _size(repo: Repository, pull: Pull) -> Size:
    start = await commits.merge_base(repo.path, pull.base_sha, pull.head_sha) or pull.base_sha
    changes = await commits.difference(repo.path, start, pull.head_sha)
    count = await git.git(repo.path, "rev-list", "--count", f"{start}..{pull.head_sha}")
    added, removed = sum(change.additions for change in changes), sum(change.deletions for change in changes)
    return Size(int(count), added, removed, len(changes))
