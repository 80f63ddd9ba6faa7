"""Keeps our copies of the projects' repositories as new as they need to be."""

from collections.abc import Mapping

from runtime.numbers import highest
from runtime.project import Project
from runtime.repository import BareRepository
from runtime.store import numbers
from runtime.store.store import Store

FRESH_FOR = 600.0
"""Seconds after which a repository is fetched before a spawn even if no push was heard of."""


class Freshness:
    """Fetches a repository when a push was heard of or a while has passed, and remembers what the forge has."""

    def __init__(self, store: Store, projects: Mapping[str, Project]) -> None:
        self._store = store
        self._projects = projects
        self._fetched: dict[str, float] = {}
        self._theirs: dict[str, frozenset[str]] = {}

    async def ensure(self, repository: BareRepository, project: Project, *, surely: bool = False) -> None:
        """Fetch if ours may be out of date, or `surely`; when that fails, the next call tries again."""
        pushed = self._store.topic(f"pushed:{project.repo}")
        age = self._store.clock() - self._fetched.get(project.id, 0.0)
        if not (pushed.is_set() or age > FRESH_FOR or surely):
            return
        pushed.clear()
        try:
            await repository.fetch()
            await self._look_at_numbers(repository, project)
        except BaseException:
            pushed.set()
            raise
        self._fetched[project.id] = self._store.clock()

    def branches(self, project: Project) -> frozenset[str]:
        """Return the branches that the forge had when it was last asked."""
        return self._theirs.get(project.id, frozenset())

    async def _look_at_numbers(self, repository: BareRepository, project: Project) -> None:
        """Give out no number that another installation has used, or this one before it lost its data directory."""
        theirs = frozenset(await repository.remote_branches())
        found = highest(theirs, project.session_prefix)
        if found > self._store.read(lambda sql: numbers.floor(sql, project.id)):
            await self._store.write(lambda tx: numbers.raise_floor(tx, project.id, found))
        self._theirs[project.id] = theirs
