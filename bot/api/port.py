"""What the interface needs from the service, group by group; `bot/service` provides it."""

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

from bot.api.claims import ClaimsPort
from bot.api.cleanups import CleanupsPort
from bot.api.deliveries import DeliveriesPort
from bot.api.explain import ExplainPort
from bot.api.messages import MessagesPort
from bot.api.orchestrators import OrchestratorsPort
from bot.api.records import RecordsPort
from bot.api.restores import RestoresPort
from bot.api.sessions import SessionsPort
from bot.api.spawns import SpawnsPort
from bot.api.words import WordsPort


class ProjectStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One project; `problems` says why it does not work."""

    id: str
    repo: str
    problems: list[str] = []


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the service is and does."""

    version: str
    pid: int
    started_at: str
    projects: list[ProjectStatus]
    live_sessions: int
    open_deliveries: int
    dead_deliveries: int
    api_calls: int = 0


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value for Prometheus."""

    name: str
    help: str
    value: float
    kind: Literal["counter", "gauge"] = "gauge"
    labels: dict[str, str] = {}


class ServicePort(Protocol):
    """The running service; a UserError it raises is shown to the caller, `Unknown` as not found."""

    @property
    def sessions(self) -> SessionsPort:
        """Sessions."""
        ...

    @property
    def spawns(self) -> SpawnsPort:
        """Starting sessions."""
        ...

    @property
    def restores(self) -> RestoresPort:
        """Bringing sessions back."""
        ...

    @property
    def claims(self) -> ClaimsPort:
        """Giving sessions pull requests."""
        ...

    @property
    def cleanups(self) -> CleanupsPort:
        """Clearing finished sessions away."""
        ...

    @property
    def messages(self) -> MessagesPort:
        """Messages to agents."""
        ...

    @property
    def words(self) -> WordsPort:
        """What is said about sessions."""
        ...

    @property
    def orchestrators(self) -> OrchestratorsPort:
        """Coordinating agents."""
        ...

    @property
    def deliveries(self) -> DeliveriesPort:
        """The journal."""
        ...

    @property
    def records(self) -> RecordsPort:
        """The audit trail."""
        ...

    @property
    def why(self) -> ExplainPort:
        """Explanations."""
        ...

    def projects(self) -> list[ProjectStatus]:
        """Return the projects that are configured, also those that do not work."""
        ...

    def status(self) -> ServiceStatus:
        """Return what the service is doing."""
        ...

    async def not_ready(self) -> list[str]:
        """Return why the service cannot work now: the store or tmux does not answer."""
        ...

    def figures(self) -> Iterable[Figure]:
        """Return the values for Prometheus."""
        ...
