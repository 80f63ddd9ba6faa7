"""Sessions on the interface: what they are asked, and what they answer."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from bot.api.operation import Name, Operation
from runtime.errors import WrongUse
from runtime.view import SessionView

if TYPE_CHECKING:
    from bot.api.port import ServicePort

SESSION = "/api/v1/sessions/{id}"


class Killed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The session has ended, now or before.

    `preserved` names what was kept of unpushed work, in `repository`; `left` says why the worktree is still there
    although it is over. What takes longer to clear away goes on after the answer.
    """

    already_terminated: bool
    cleaned: bool = False
    preserved: str | None = None
    repository: str | None = None
    left: str | None = None


class Sessions(msgspec.Struct, rename="camel"):
    """The sessions, the projects they can belong to, and how many ended ones are not shown."""

    sessions: list[SessionView]
    projects: list[str]
    hidden_terminated_count: int


class SessionsPort(Protocol):
    """Looks at sessions and ends them."""

    def listing(self, *, project: str | None, ended: bool) -> tuple[list[SessionView], int]:
        """Return the sessions, oldest first, and how many ended ones were left out."""
        ...

    def get(self, name: str) -> SessionView:
        """Return one session."""
        ...

    async def kill(self, name: str, *, reason: str | None, by: str | None) -> Killed:
        """End a session; returns when that is committed, its worktree may go a moment later."""
        ...


class Kill(msgspec.Struct, forbid_unknown_fields=True):
    """Why it is ended, and who asks."""

    reason: str | None = None
    by: str | None = None


class Listing(msgspec.Struct):
    """Which sessions."""

    project: str | None = None
    all: bool = False


def _sessions(service: "ServicePort", want: Listing, _: None) -> Sessions:
    projects = [project.id for project in service.projects()]
    if want.project is not None and want.project not in projects:
        raise WrongUse(f"There is no project {want.project!r}; there are: {', '.join(projects) or 'none'}.")
    found, hidden = service.sessions.listing(project=want.project, ended=want.all)
    return Sessions(found, [want.project] if want.project else projects, hidden)


async def _kill(service: "ServicePort", which: Name, how: Kill) -> Killed:
    return await service.sessions.kill(which.id, reason=how.reason, by=how.by)


OPERATIONS = (
    Operation("GET", "/api/v1/sessions", "listSessions", "Lists sessions.", _sessions, Sessions, Listing),
    Operation("GET", SESSION, "getSession", "One session.", lambda s, p, _: s.sessions.get(p.id), SessionView, Name),
    Operation("POST", f"{SESSION}/kill", "killSession", "Ends one.", _kill, Killed, Name, Kill),
)
