"""The running service, as the command line and scripts may ask and steer it; one part for each group."""

import os
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version

from bot.api.port import Figure, ProjectStatus, ServiceStatus
from bot.figures import figures
from bot.parts import Parts
from bot.service.claims import Claims
from bot.service.cleanups import Cleanups
from bot.service.deliveries import Deliveries
from bot.service.explain import Explain
from bot.service.messages import Messages
from bot.service.orchestrators import Orchestrators
from bot.service.records import Records
from bot.service.restores import Restores
from bot.service.sessions import Sessions
from bot.service.spawns import Spawns
from bot.service.words import Words
from runtime.errors import StoreBusy, TmuxUnavailable
from runtime.store import deliveries as journal
from runtime.store import sessions as session_rows
from runtime.view import iso


class Service:
    """Implements `bot.api.port.ServicePort` over the parts that `bot.app` put together."""

    def __init__(self, parts: Parts, broken: Mapping[str, tuple[str, ...]]) -> None:
        self._parts = parts
        self._broken = broken
        self._started = time.time()
        self._version = version("agent-orchestrator")
        self.sessions = Sessions(parts)
        self.spawns = Spawns(parts, broken)
        self.restores = Restores(parts)
        self.cleanups = Cleanups(parts)
        self.claims = Claims(parts)
        self.messages = Messages(parts)
        self.words = Words(parts)
        self.orchestrators = Orchestrators(parts, self.sessions)
        self.deliveries = Deliveries(parts.store)
        self.records = Records(parts.store, parts.projects)
        self.why = Explain(parts)

    def projects(self) -> list[ProjectStatus]:
        """Return the projects that are configured, those that do not work last."""
        working = [ProjectStatus(id=one.id, repo=one.repo) for one in self._parts.projects.values()]
        return [*working, *(ProjectStatus(id=name, repo="", problems=list(why)) for name, why in self._broken.items())]

    def status(self) -> ServiceStatus:
        """Return what the service is doing."""
        store = self._parts.store
        states = journal.count_by_state(store)
        return ServiceStatus(
            version=self._version, pid=os.getpid(), started_at=iso(self._started), projects=self.projects(),
            live_sessions=len(store.read(session_rows.listing)),
            open_deliveries=states.get("queued", 0) + states.get("running", 0), dead_deliveries=states.get("dead", 0),
            api_calls=self._parts.hub.meter.calls,
        )  # fmt: skip

    async def not_ready(self) -> list[str]:
        """Return why the service cannot work now."""
        try:
            await self._parts.store.prove_writable()
            await self._parts.tmux.panes()
        except (TmuxUnavailable, StoreBusy, OSError) as exc:
            return [str(exc)]
        return []

    def figures(self) -> Iterable[Figure]:
        """Return the values for Prometheus."""
        return figures(self._parts, self.status())
