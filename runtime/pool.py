"""Keeps checkouts ready for the next spawns: made and renewed one at a time, and never while a spawn is under way."""

import asyncio
import logging
import shutil
from collections.abc import Mapping

from runtime.errors import AoError
from runtime.project import Project
from runtime.store import sessions
from runtime.store.store import Store
from runtime.workspaces import Workspaces

log = logging.getLogger(__name__)

QUIET = 2.0
"""Seconds after the last spawn before anything is made."""
ROOM = 2 << 30
"""Bytes that stay free on the disk: below that no checkout is made ahead."""
AGAIN = 300.0


class Pool:
    """Fills the shelves of all projects that have had a session, and brings them to the newest commit."""

    def __init__(
        self, workspaces: Workspaces, store: Store, projects: Mapping[str, Project], *, quiet: float = QUIET
    ) -> None:
        self._workspaces = workspaces
        self._store = store
        self._projects = projects
        self._quiet = quiet

    async def run(self) -> None:
        """Work whenever a checkout was taken or a default branch has moved, until cancelled."""
        stirred = self._workspaces.openings.stirred
        stirred.set()
        async with asyncio.TaskGroup() as group:
            for project in self._projects.values():
                group.create_task(self._listen(project), name=f"pool {project.id}")
            while True:
                await stirred.wait()
                await self._rest()
                stirred.clear()
                if not await self._tend_all():
                    group.create_task(self._again(), name="pool again")

    async def _listen(self, project: Project) -> None:
        """Let a default branch that has moved stir the pool."""
        with self._store.listening(f"moved:{project.repo}") as moved:
            while True:
                await moved.wait()
                moved.clear()
                self._workspaces.openings.stirred.set()

    async def _again(self) -> None:
        await asyncio.sleep(AGAIN)
        self._workspaces.openings.stirred.set()

    async def _rest(self) -> None:
        """Wait until no spawn has been under way for a while."""
        while True:
            before = self._workspaces.openings.done
            await asyncio.sleep(self._quiet)
            if not self._workspaces.openings.under_way and self._workspaces.openings.done == before:
                return

    async def _tend_all(self) -> bool:
        """Do what is to be done; False when something has to be tried again later."""
        well = True
        for project in self._projects.values():
            try:
                while await self._tend(project):
                    await self._rest()
            except (AoError, OSError) as exc:  # a project that cannot be warmed starts cold, as without a pool
                log.info("no checkout made ahead", extra={"project": project.id, "error": str(exc)})
                well = False
        return well

    async def _tend(self, project: Project) -> bool:
        """Do the next thing for a project; False when there is nothing more to do."""
        shelf = self._workspaces.shelf(project)
        listed = await asyncio.to_thread(shelf.listing)
        for stray in await asyncio.to_thread(shelf.strays):
            await asyncio.to_thread(shelf.remove, stray)
        ready = [warm for warm in listed if warm.commit is not None]
        wanted = project.warm if project.warm is not None else project.limits.warm
        for warm in ready[wanted:]:
            await asyncio.to_thread(shelf.remove, warm.name)
        base = self._store.read(lambda sql: sessions.last_base(sql, project.id)) if wanted else None
        commit = await self._workspaces.newest(project, base) if base is not None else None
        if commit is None:
            return False
        for warm in ready[:wanted]:
            if warm.commit != commit:
                await shelf.renew(warm, commit)
                return True
        if len(ready) < wanted and self._has_room():
            await shelf.add(commit)
            return True
        return False

    def _has_room(self) -> bool:
        return shutil.disk_usage(self._workspaces.root).free > ROOM
