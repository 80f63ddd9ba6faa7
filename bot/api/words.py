"""What people and agents say about a session: its name, the agent's own id, reports and acknowledgements."""

from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec

from bot.api.operation import Name, Operation
from bot.api.sessions import SESSION
from bot.bounds import LONGEST_NOTE, MOST_REPORTS
from runtime.view import SessionView

if TYPE_CHECKING:
    from bot.api.port import ServicePort


class Remapped(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The id by which the agent itself knows the session; `before` is the one that was known until now."""

    agent_session_id: str
    before: str | None = None
    found: bool = True
    """False when the agent has not said its id again, and the one that was known stays."""


class Reported(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a report or an acknowledgement, and the session's status before and after."""

    accepted: bool
    text: str


class ReportLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of what was reported; `reason` says why it was rejected."""

    at: str
    session_id: str
    what: str
    state: str
    note: str
    accepted: bool
    reason: str
    before: str
    after: str
    pr: int | None
    source: str


class WordsPort(Protocol):
    """Takes in what people and agents say about sessions."""

    async def rename(self, name: str, display_name: str) -> SessionView:
        """Give a session the name that people read; an empty one takes it back."""
        ...

    async def remap(self, name: str, *, force: bool) -> Remapped:
        """Find the agent's own session id again in what it has pushed; `force` forgets one that is not found."""
        ...

    async def report(self, name: str, state: str | None, note: str) -> Reported:
        """Take in what is reported of a session; without a state it is an acknowledgement."""
        ...

    def reports(self, name: str | None, *, limit: int) -> list[ReportLine]:
        """Return the newest reports of one session, or of each session there is, oldest first."""
        ...


class NewName(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """What people call the session; white space is collapsed and 80 characters are kept. Empty takes it back."""

    display_name: str


class Remap(msgspec.Struct, forbid_unknown_fields=True):
    """`force` forgets the id that is known when it is not found again."""

    force: bool = False


class NewReport(msgspec.Struct, forbid_unknown_fields=True):
    """What the agent does, one of the states that `ao report --help` lists, and a sentence about it."""

    state: str
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)] = ""


class Which(msgspec.Struct):
    """How many reports of each session, and of which; without a session of all."""

    session: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_REPORTS)] = MOST_REPORTS


async def _report(service: "ServicePort", which: Name, said: NewReport) -> Reported:
    return await service.words.report(which.id, said.state, said.note)


async def _acknowledge(service: "ServicePort", which: Name, _: None) -> Reported:
    return await service.words.report(which.id, None, "")


def _reports(service: "ServicePort", which: Which, _: None) -> list[ReportLine]:
    return service.words.reports(which.session, limit=which.limit)


async def _rename(service: "ServicePort", which: Name, wanted: NewName) -> SessionView:
    return await service.words.rename(which.id, wanted.display_name)


async def _remap(service: "ServicePort", which: Name, wanted: Remap) -> Remapped:
    return await service.words.remap(which.id, force=wanted.force)


OPERATIONS = (
    Operation(
        "POST", f"{SESSION}/report", "reportSession", "Reports what an agent does.", _report, Reported, Name, NewReport
    ),
    Operation(
        "POST", f"{SESSION}/acknowledge", "acknowledgeSession", "Confirms that an agent has its task.", _acknowledge,
        Reported, Name,
    ),
    Operation(
        "GET", "/api/v1/reports", "listReports", "What agents have reported.", _reports, list[ReportLine], Which
    ),
    Operation(
        "POST", f"{SESSION}/rename", "renameSession", "Names a session.", _rename, SessionView, Name, NewName
    ),
    Operation(
        "POST", f"{SESSION}/remap", "remapSession", "Finds the agent's own session id again.", _remap, Remapped,
        Name, Remap,
    ),
)  # fmt: skip
