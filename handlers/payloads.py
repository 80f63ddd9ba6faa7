"""The parts of GitHub's payloads that stories read; everything else is skipped while decoding.

Shapes: https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from datetime import datetime

import msgspec


class User(msgspec.Struct, frozen=True):
    """A person or bot; deleted ones are null in GitHub's payloads."""

    login: str
    type: str = "User"
    id: int = 0


class Repo(msgspec.Struct, frozen=True):
    """A repository; `id` tells forks apart."""

    full_name: str
    id: int = 0
    default_branch: str = "main"


class Label(msgspec.Struct, frozen=True):
    """A label."""

    name: str


class IssueView(msgspec.Struct, frozen=True):
    """An issue; `pull_request` is there only when it is one."""

    number: int
    title: str
    body: str | None = None
    user: User | None = None
    labels: list[Label] = []
    pull_request: dict[str, object] | None = None
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None


class IssueEvent(msgspec.Struct, frozen=True):
    """`issues` deliveries."""

    action: str
    issue: IssueView
    repository: Repo
    sender: User
    label: Label | None = None


class CommentView(msgspec.Struct, frozen=True):
    """A comment on an issue or pull request."""

    id: int
    body: str
    user: User | None
    html_url: str = ""


class CommentEvent(msgspec.Struct, frozen=True):
    """`issue_comment` deliveries."""

    action: str
    issue: IssueView
    comment: CommentView
    repository: Repo
    sender: User


class Side(msgspec.Struct, frozen=True):
    """One end of a pull request; `repo` is null when a fork was deleted."""

    ref: str
    sha: str
    repo: Repo | None = None


class PullView(msgspec.Struct, frozen=True):
    """A pull request as webhooks carry it."""

    number: int
    title: str
    html_url: str
    state: str
    head: Side
    base: Side
    updated_at: datetime
    body: str | None = None
    draft: bool = False
    merged: bool = False
    mergeable: bool | None = None
    merge_commit_sha: str | None = None
    merged_by: User | None = None


class PullEvent(msgspec.Struct, frozen=True):
    """`pull_request` deliveries."""

    action: str
    pull_request: PullView
    repository: Repo
    sender: User


class ReviewedPull(msgspec.Struct, frozen=True):
    """A pull request inside a review's delivery, which leaves out some of its fields."""

    number: int
    head: Side
    base: Side


class ReviewView(msgspec.Struct, frozen=True):
    """A review; its state is lower case in deliveries and upper case in the REST API."""

    id: int
    state: str
    user: User | None
    body: str | None = None
    commit_id: str | None = None
    submitted_at: datetime | None = None


class ReviewEvent(msgspec.Struct, frozen=True):
    """`pull_request_review` deliveries."""

    action: str
    review: ReviewView
    pull_request: ReviewedPull
    repository: Repo
    sender: User


class App(msgspec.Struct, frozen=True):
    """The app that made a check."""

    slug: str | None = None
    name: str = ""


class Suite(msgspec.Struct, frozen=True):
    """A check suite; `head_branch` is null for forks."""

    head_sha: str
    head_branch: str | None = None
    conclusion: str | None = None
    updated_at: datetime | None = None
    app: App | None = None


class NestedSuite(msgspec.Struct, frozen=True):
    """The suite inside a check run's delivery."""

    head_branch: str | None = None


class CheckRunView(msgspec.Struct, frozen=True):
    """A check run."""

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    html_url: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    check_suite: NestedSuite | None = None
    app: App | None = None


class CheckRunEvent(msgspec.Struct, frozen=True):
    """`check_run` deliveries."""

    action: str
    check_run: CheckRunView
    repository: Repo
    sender: User


class CheckSuiteEvent(msgspec.Struct, frozen=True):
    """`check_suite` deliveries."""

    action: str
    check_suite: Suite
    repository: Repo
    sender: User


class Commit(msgspec.Struct, frozen=True):
    """A commit inside a push."""

    id: str
    message: str


class PushEvent(msgspec.Struct, frozen=True):
    """`push` deliveries."""

    ref: str
    after: str
    repository: Repo
    sender: User
    deleted: bool = False
    commits: list[Commit] = []
