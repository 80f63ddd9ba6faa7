"""Orchestrators on the interface: each project's coordinating agent."""

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from bot.api.operation import Operation
from runtime.view import SessionView

if TYPE_CHECKING:
    from bot.api.port import ServicePort

ORCHESTRATOR = "/api/v1/projects/{project}/orchestrator"


class Orchestrator(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The project's orchestrator and what was done for it: nothing when it was there already."""

    session: SessionView
    done: Literal["nothing", "started", "restored", "relaunched"]


class OrchestratorsPort(Protocol):
    """Starts and shows orchestrators."""

    def get(self, project: str) -> SessionView:
        """Return the project's orchestrator, live or ended; `Unknown` when it never had one."""
        ...

    async def start(self, project: str, *, fresh: bool, by: str) -> Orchestrator:
        """Return the project's orchestrator, made or brought back if it is not there; `fresh` forgets what it knew."""
        ...

    async def relaunch(self, project: str, *, by: str) -> Orchestrator:
        """End what runs and start the orchestrator anew, with the same id."""
        ...


class Which(msgspec.Struct):
    """Which project."""

    project: str


class Start(msgspec.Struct, forbid_unknown_fields=True):
    """How to start: `fresh` begins a new conversation when the old one has ended."""

    fresh: bool = False


PERSON = "ao orchestrator"


async def _start(service: "ServicePort", which: Which, how: Start) -> Orchestrator:
    return await service.orchestrators.start(which.project, fresh=how.fresh, by=PERSON)


async def _relaunch(service: "ServicePort", which: Which, _: None) -> Orchestrator:
    return await service.orchestrators.relaunch(which.project, by=PERSON)


def _get(service: "ServicePort", which: Which, _: None) -> SessionView:
    return service.orchestrators.get(which.project)


OPERATIONS = (
    Operation("GET", ORCHESTRATOR, "getOrchestrator", "The project's orchestrator.", _get, SessionView, Which),
    Operation("POST", ORCHESTRATOR, "startOrchestrator", "Starts it if needed.", _start, Orchestrator, Which, Start),
    Operation(
        "POST", f"{ORCHESTRATOR}/relaunch", "relaunchOrchestrator", "Starts anew.", _relaunch, Orchestrator, Which
    ),
)
