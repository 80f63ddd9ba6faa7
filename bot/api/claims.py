"""Giving running sessions a pull request, on the interface."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from bot.api.operation import Name, Operation
from bot.api.sessions import SESSION

if TYPE_CHECKING:
    from bot.api.port import ServicePort


class ClaimedPull(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The pull request."""

    number: int
    url: str
    title: str


class Claimed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The session has the pull request; an assignment that failed is told and changes nothing about that."""

    session_id: str
    project_id: str
    pr: ClaimedPull
    branch: str
    branch_changed: bool
    github_assigned: bool
    github_assignment_error: str | None = None
    taken_over_from: list[str] = []


class ClaimsPort(Protocol):
    """Gives sessions pull requests."""

    async def claim(self, name: str, pull: str, *, assign: bool, by: str | None) -> Claimed:
        """Move a session's worktree to an open pull request and take it over from who had it before."""
        ...


class Claim(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Which pull request, by number or address; `assign_on_github` also makes somebody its assignee there."""

    pull: str
    assign_on_github: bool = False
    by: str | None = None


async def _claim(service: "ServicePort", which: Name, what: Claim) -> Claimed:
    return await service.claims.claim(which.id, what.pull, assign=what.assign_on_github, by=what.by)


_GIVE = "Gives a session a pull request."
OPERATIONS = (Operation("POST", f"{SESSION}/claim", "claimPullRequest", _GIVE, _claim, Claimed, Name, Claim),)
