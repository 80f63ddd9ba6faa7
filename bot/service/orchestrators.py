"""Starts and shows orchestrators, for people and scripts."""

from bot.api.operation import Unknown
from bot.api.orchestrators import Orchestrator
from bot.parts import Parts
from bot.service.seen import check
from bot.service.sessions import Sessions
from runtime import orchestrator
from runtime.project import Project
from runtime.store import orchestrators
from runtime.view import SessionView

NONE_YET = "Project {project} has no orchestrator yet. Start it with: ao orchestrator start -p {project}"


class Orchestrators:
    """Implements `bot.api.orchestrators.OrchestratorsPort`."""

    def __init__(self, parts: Parts, sessions: Sessions) -> None:
        self._parts = parts
        self._sessions = sessions

    def get(self, project: str) -> SessionView:
        """Return the project's orchestrator, live or ended."""
        self._project(project)
        found = self._parts.store.read(lambda sql: orchestrators.of_project(sql, project))
        if found is None:
            raise Unknown(NONE_YET.format(project=project))
        return self._sessions.get(found.id)

    async def start(self, project: str, *, fresh: bool, by: str) -> Orchestrator:
        """Make, bring back or just return it; who asks at the same time gets the same one."""
        known = self._project(project)
        base = await self._base(known)
        done = await self._parts.store.write(lambda tx: orchestrator.ensure(tx, known, base=base, by=by, fresh=fresh))
        return Orchestrator(session=self.get(project), done=done)

    async def relaunch(self, project: str, *, by: str) -> Orchestrator:
        """Start its agent anew, whether or not it runs."""
        known = self._project(project)
        base = await self._base(known)
        done = await self._parts.store.write(lambda tx: orchestrator.relaunch(tx, known, base=base, by=by))
        return Orchestrator(session=self.get(project), done=done)

    async def _base(self, project: Project) -> str:
        return project.default_branch or await self._parts.hands.forge.default_branch(project.repo)

    def _project(self, name: str) -> Project:
        check("project", name, self._parts.projects)
        return self._parts.projects[name]
