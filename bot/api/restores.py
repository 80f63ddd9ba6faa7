"""Bringing ended sessions back, on the interface."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from bot.api.operation import Name, Operation
from bot.api.sessions import SESSION

if TYPE_CHECKING:
    from bot.api.port import ServicePort


class Restored(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The session is live again.

    `restore_fallback_reason` says why its agent could not go on with its own session and was started afresh;
    `replayed` names the kept work that is in the worktree again; `queue_position` is above 0 while it waits for a slot.
    """

    name: str
    branch: str
    workspace_path: str
    attach_command: str
    resumed: bool
    restore_fallback_reason: str | None = None
    replayed: str | None = None
    queue_position: int = 0


class RestoresPort(Protocol):
    """Brings sessions back."""

    async def restore(self, name: str, *, force: bool, by: str | None) -> Restored:
        """Bring an ended session back and wait a while until its agent runs; `force` also after a merge."""
        ...


class Restore(msgspec.Struct, forbid_unknown_fields=True):
    """How to bring it back; `by` is who asks."""

    force: bool = False
    by: str | None = None


async def _restore(service: "ServicePort", which: Name, how: Restore) -> Restored:
    return await service.restores.restore(which.id, force=how.force, by=how.by)


_BACK = "Brings an ended session back."
OPERATIONS = (Operation("POST", f"{SESSION}/restore", "restoreSession", _BACK, _restore, Restored, Name, Restore),)
