"""What repositories hold on the local GitHub: issues, pull requests, reviews, checks and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.demo.github.people import App, Hook, Json, User


@dataclass(eq=False)
class Label:
    """A repository's label; names are compared without case, as GitHub does."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(eq=False)
class Reaction:
    """One user's emoji; a user has each content at most once per thing."""

    id: int
    user: User
    content: str
    created_at: datetime


@dataclass(eq=False)
class Comment:
    """A comment on an issue or on a pull request's conversation."""

    id: int
    user: User
    body: str
    created_at: datetime
    updated_at: datetime
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None


@dataclass(eq=False)
class ReviewComment:
    """A comment on a line; `line` is None once the line it stands on was changed (outdated)."""

    id: int
    review: Review
    user: User
    body: str
    path: str
    line: int | None
    original_line: int
    side: str
    commit_id: str
    original_commit_id: str
    diff_hunk: str
    position: int
    created_at: datetime
    updated_at: datetime
    start_line: int | None = None
    in_reply_to: ReviewComment | None = None
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None


@dataclass(eq=False)
class Thread:
    """A top comment with its replies."""

    id: int
    comments: list[ReviewComment]
    resolved_by: User | None = None


@dataclass(eq=False)
class Review:
    """A submitted review; state in upper case as in REST, webhooks send it in lower case."""

    id: int
    user: User
    state: str
    body: str
    commit_id: str
    submitted_at: datetime
    comments: list[ReviewComment] = field(default_factory=list)
    minimized: str | None = None


@dataclass(eq=False)
class Happening:
    """A line of the timeline that is neither a comment nor a review."""

    kind: str
    actor: User
    at: datetime
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Size:
    """What a pull request changes, in numbers."""

    commits: int = 0
    additions: int = 0
    deletions: int = 0
    changed_files: int = 0


@dataclass(eq=False)
class Pull:
    """The part of a pull request that an issue has not; `head_repo` is None when a fork is gone."""

    id: int
    head_repo: Repository | None
    head_owner: User
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    mergeable: bool | None = None
    size: Size = Size()
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    requested_reviewers: list[User] = field(default_factory=list)


@dataclass(eq=False)
class Issue:
    """An issue, or with `pull` set a pull request: GitHub numbers and stores them together."""

    id: int
    number: int
    title: str
    body: str | None
    user: User
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    timeline: list[Comment | Review | Happening] = field(default_factory=list)
    app: App | None = None
    pull: Pull | None = None


@dataclass(eq=False)
class CheckSuite:
    """All check runs of one app on one commit."""

    id: int
    app: App
    head_sha: str
    head_branch: str | None
    before: str | None
    created_at: datetime
    updated_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    runs: list[CheckRun] = field(default_factory=list)


@dataclass(eq=False)
class CheckRun:
    """One check; for github-actions `log` is what `actions/jobs/{id}/logs` leads to."""

    id: int
    suite: CheckSuite
    name: str
    head_sha: str
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    external_id: str = ""
    details_url: str = ""
    output: Json = field(default_factory=dict)
    annotations: list[Json] = field(default_factory=list)
    actions: list[Json] = field(default_factory=list)
    log: str = ""


@dataclass(eq=False)
class Status:
    """A commit status; the newest per context counts."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created_at: datetime


@dataclass(eq=False)
class Repository:
    """A repository; `path` is its bare git repository, `roles` holds everybody but the owner."""

    id: int
    owner: User
    name: str
    path: Path
    created_at: datetime
    pushed_at: datetime
    private: bool = False
    description: str | None = None
    default_branch: str = "main"
    parent: Repository | None = None
    roles: dict[str, str] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    suites: list[CheckSuite] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        """`owner/name`, as in every address."""
        return f"{self.owner.login}/{self.name}"

    def role(self, user: User) -> str:
        """The user's role: none, read, triage, write, maintain or admin."""
        if user.id == self.owner.id:
            return "admin"
        return self.roles.get(user.login.lower(), "none" if self.private else "read")

    def runs(self, sha: str) -> list[CheckRun]:
        """All check runs of a commit, oldest first."""
        return sorted((run for suite in self.suites if suite.head_sha == sha for run in suite.runs), key=lambda r: r.id)

    def pulls(self) -> list[Issue]:
        """All pull requests, oldest first."""
        return [issue for issue in self.issues.values() if issue.pull is not None]
