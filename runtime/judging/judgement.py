"""What a judgement consists of."""

import enum

import msgspec


class Status(enum.StrEnum):
    """The reference documentation's statuses."""

    SPAWNING = "spawning"
    WORKING = "working"
    DETECTING = "detecting"
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
    DONE = "done"
    TERMINATED = "terminated"


ENDED = frozenset({Status.MERGED, Status.ERRORED, Status.KILLED, Status.CLEANUP, Status.TERMINATED})
"""Statuses in which the session no longer works; it holds no issue any more.

`done` is not one of them: it is the agent's word only, and whoever answers it still reaches the agent.
"""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A status, why, and the moment at which time alone could change it."""

    status: Status
    reason: str
    evidence: str = ""
    recheck_at: float | None = None
