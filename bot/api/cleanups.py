"""Clearing finished sessions away, on the interface."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from bot.api.operation import Nothing, Operation

if TYPE_CHECKING:
    from bot.api.port import ServicePort


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A session that was left alone, and why."""

    name: str
    reason: str


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A session that should have gone and could not, and why."""

    name: str
    error: str


class CleanedUp(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a cleanup did, or would do when `dry_run`; `killed` are the sessions it ended and cleared away."""

    dry_run: bool
    killed: list[str]
    skipped: list[Passed]
    errors: list[Failed]


class CleanupsPort(Protocol):
    """Clears away what is finished."""

    async def cleanup(self, *, project: str | None, dry_run: bool, by: str | None) -> CleanedUp:
        """Clear away the sessions whose pull request or issue is closed or whose agent is dead."""
        ...


class Cleanup(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Which project's sessions; `dry_run` changes nothing."""

    project: str | None = None
    dry_run: bool = False
    by: str | None = None


async def _cleanup(service: "ServicePort", _: Nothing, how: Cleanup) -> CleanedUp:
    return await service.cleanups.cleanup(project=how.project, dry_run=how.dry_run, by=how.by)


_AWAY = "Clears finished sessions away."
OPERATIONS = (Operation("POST", "/api/v1/cleanup", "cleanUp", _AWAY, _cleanup, CleanedUp, Nothing, Cleanup),)
