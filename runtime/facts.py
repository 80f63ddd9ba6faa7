"""What is known about a session: each fact says who learned it and when; nothing here is a judgement."""

from typing import ClassVar, Literal

import msgspec

from runtime.fact import Fact
from runtime.probe import Probe, Slept
from runtime.said import Acknowledged, AgentInfo, Claimed, Decision, Interrupt, Noted, Report, ReportOverdue, Restored


class Process(Fact, frozen=True, kw_only=True):
    """What the launch wrapper or tmux said about the agent's process."""

    kind: ClassVar[str] = "process"
    state: Literal["running", "exited", "lost"]
    run: str = ""
    """Which of the session's launches it belongs to."""
    pid: int | None = None
    boot: str = ""
    """The boot of the machine that the process belongs to."""
    ticks: int | None = None
    """When the process started, in the kernel's ticks since that boot; tells it from a later one of the same number."""
    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""


class Turn(Fact, frozen=True, kw_only=True):
    """What the agent itself last said about its turn."""

    kind: ClassVar[str] = "turn"
    state: Literal["active", "ready", "waiting", "blocked"]
    number: int = 0
    question: str = ""
    choices: tuple[str, ...] = ()
    """What may be answered besides yes and no, as the agent numbers it from 1."""
    last_message: str = ""


class PullRequest(Fact, frozen=True, kw_only=True):
    """A pull request of the session, as the forge last described it; `at` is its `updated_at`."""

    kind: ClassVar[str] = "pull_request"
    number: int
    url: str
    title: str
    state: Literal["open", "closed", "merged"]
    draft: bool
    head_ref: str
    head_sha: str
    base_ref: str
    mergeable: bool | None = None
    merge_sha: str = ""
    merged_by: str = ""

    def subject(self) -> str:
        """One fact per pull request."""
        return str(self.number)


class Check(Fact, frozen=True, kw_only=True):
    """One check of one commit; `conclusion` is empty while it runs."""

    kind: ClassVar[str] = "check"
    name: str
    head_sha: str
    conclusion: str = ""
    url: str = ""

    def subject(self) -> str:
        """One fact per commit and check."""
        return f"{self.head_sha}/{self.name}"


class ChecksDone(Fact, frozen=True, kw_only=True):
    """A suite of checks of one commit has finished."""

    kind: ClassVar[str] = "checks_done"
    head_sha: str
    app: str
    conclusion: str

    def subject(self) -> str:
        """One fact per commit and app."""
        return f"{self.head_sha}/{self.app}"


class Review(Fact, frozen=True, kw_only=True):
    """The last opinion of one reviewer."""

    kind: ClassVar[str] = "review"
    reviewer: str
    state: Literal["approved", "changes_requested", "dismissed"]
    head_sha: str = ""

    def subject(self) -> str:
        """One fact per reviewer."""
        return self.reviewer


class IssueClosed(Fact, frozen=True, kw_only=True):
    """The issue was closed."""

    kind: ClassVar[str] = "issue_closed"
    by: str
    why: str = ""


class Paused(Fact, frozen=True, kw_only=True):
    """A person took the label away, or put it back."""

    kind: ClassVar[str] = "paused"
    paused: bool
    by: str


class Killed(Fact, frozen=True, kw_only=True):
    """A person ended the session."""

    kind: ClassVar[str] = "killed"
    by: str
    reason: str = "manually_killed"
    why: str = ""
    """What the person said about it."""


class SpawnFailed(Fact, frozen=True, kw_only=True):
    """A step of the spawn failed and what was done has been undone."""

    kind: ClassVar[str] = "spawn_failed"
    step: str
    error: str
    left_behind: tuple[str, ...] = ()


class Pushed(Fact, frozen=True, kw_only=True):
    """The gate has forwarded a commit of the session to the forge."""

    kind: ClassVar[str] = "pushed"
    sha: str

    def subject(self) -> str:
        """One fact per commit."""
        return self.sha


class Cleaned(Fact, frozen=True, kw_only=True):
    """The worktree is gone; what was not pushed is kept under `preserved` in `repository`."""

    kind: ClassVar[str] = "cleaned"
    preserved: str = ""
    repository: str = ""
    left: str = ""
    """Why the worktree was left where it is, if it was; it may hold more than what is kept."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All facts of one session, in the shape that judgements read."""

    created_at: float
    spawned: bool = False
    spawned_at: float | None = None
    process: Process | None = None
    turn: Turn | None = None
    pull_request: PullRequest | None = None
    checks: tuple[Check, ...] = ()
    checks_done: tuple[ChecksDone, ...] = ()
    reviews: tuple[Review, ...] = ()
    pushed: tuple[Pushed, ...] = ()
    issue_closed: IssueClosed | None = None
    paused: Paused | None = None
    killed: Killed | None = None
    spawn_failed: SpawnFailed | None = None
    cleaned: Cleaned | None = None
    probe: Probe | None = None
    slept: Slept = Slept()
    restored: Restored | None = None
    report: Report | None = None
    acknowledged: Acknowledged | None = None
    agent_info: AgentInfo | None = None
    noted: tuple[Noted, ...] = ()
    claimed: tuple[Claimed, ...] = ()
    report_overdue: ReportOverdue | None = None
    interrupt: Interrupt | None = None
    decision: Decision | None = None
    pull_requests: tuple[PullRequest, ...] = ()
    """All of the session's own, the primary one first."""


KINDS: dict[str, type[Fact]] = {
    fact.kind: fact
    for fact in (
        Process,
        Turn,
        PullRequest,
        Check,
        ChecksDone,
        Review,
        IssueClosed,
        Paused,
        Killed,
        SpawnFailed,
        Pushed,
        Cleaned,
        Probe,
        Slept,
        Restored,
        Report,
        Acknowledged,
        AgentInfo,
        Noted,
        Claimed,
        ReportOverdue,
        Interrupt,
        Decision,
    )
}


MANY = {
    "check": "checks", "checks_done": "checks_done", "review": "reviews", "pushed": "pushed", "noted": "noted",
    "claimed": "claimed",
}  # fmt: skip


def assemble(created_at: float, spawned_at: float | None, known: list[Fact]) -> Facts:
    """Put single facts together; kinds with a subject are collections, the rest stand alone.

    The session's primary pull request is the one that was claimed for it last, else the newest; one that another
    session has taken over is no longer its own.
    """
    of: dict[str, list[Fact]] = {}
    for fact in known:
        of.setdefault(fact.kind, []).append(fact)
    pulls = _own([f for f in of.pop("pull_request", []) if isinstance(f, PullRequest)], of.get("claimed", []))
    fields: dict[str, object] = {name: tuple(of.pop(kind, [])) for kind, name in MANY.items()}
    fields |= {kind: single[-1] for kind, single in of.items()}
    fields |= {"pull_requests": pulls, "pull_request": pulls[0] if pulls else None}
    fields |= {"spawned": spawned_at is not None, "spawned_at": spawned_at}
    return Facts(created_at=created_at, **fields)  # type: ignore[arg-type]  # the tables above fix each field's type


def _own(pulls: list[PullRequest], claims: list[Fact]) -> tuple[PullRequest, ...]:
    """Return the pull requests that the session has, the primary one first; `claims` are in the order of time."""
    of = {claim.number: claim for claim in claims if isinstance(claim, Claimed)}
    lost = {number for number, claim in of.items() if claim.taken_by}
    when = {number: claim.at for number, claim in of.items()}
    own = [pull for pull in pulls if pull.number not in lost]
    return tuple(sorted(own, key=lambda pull: (when.get(pull.number, 0.0), pull.number), reverse=True))
