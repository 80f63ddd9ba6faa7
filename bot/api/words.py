"""What people and agents say about a session: its name, the agent's own id, reports and acknowledgements."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from bot.api.operation import Name, Operation
from bot.api.sessions import SESSION
from runtime.view import SessionView

if TYPE_CHECKING:
    from bot.api.port import ServicePort


class Remapped(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The id by which the agent itself knows the session; `before` is the one that was known until now."""

    agent_session_id: str
    before: str | None = None
    found: bool = True
    """False when the agent has not said its id again, and the one that was known stays."""


class WordsPort(Protocol):
    """Takes in what people and agents say about sessions."""

    async def rename(self, name: str, display_name: str) -> SessionView:
        """Give a session the name that people read; an empty one takes it back."""
        ...

    async def remap(self, name: str, *, force: bool) -> Remapped:
        """Find the agent's own session id again in what it has pushed; `force` forgets one that is not found."""
        ...


class NewName(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """What people call the session; white space is collapsed and 80 characters are kept. Empty takes it back."""

    display_name: str


class Remap(msgspec.Struct, forbid_unknown_fields=True):
    """`force` forgets the id that is known when it is not found again."""

    force: bool = False


async def _rename(service: "ServicePort", which: Name, wanted: NewName) -> SessionView:
    return await service.words.rename(which.id, wanted.display_name)


async def _remap(service: "ServicePort", which: Name, wanted: Remap) -> Remapped:
    return await service.words.remap(which.id, force=wanted.force)


OPERATIONS = (
    Operation(
        "POST", f"{SESSION}/rename", "renameSession", "Names a session.", _rename, SessionView, Name, NewName
    ),
    Operation(
        "POST", f"{SESSION}/remap", "remapSession", "Finds the agent's own session id again.", _remap, Remapped,
        Name, Remap,
    ),
)  # fmt: skip
