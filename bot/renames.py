"""Knows a repository again that was renamed or moved: GitHub keeps its number, and answers at its old name too.

https://docs.github.com/en/repositories/creating-and-managing-repositories/renaming-a-repository
"""

import logging
from collections.abc import Mapping

import msgspec

from handlers.payloads import Repo
from runtime.project import Project
from runtime.store import notes
from runtime.store.store import Store
from runtime.store.tx import Tx

log = logging.getLogger(__name__)


class KnownRepositories:
    """The projects' repositories, by the names in the configuration and the numbers last seen with those."""

    def __init__(self, store: Store, projects: Mapping[str, Project]) -> None:
        self._projects = {project.repo.lower(): project for project in projects.values()}
        self._numbers: dict[str, int | None] = store.read(
            lambda sql: {name: notes.get(sql, _key(name)) for name in self._projects}
        )
        self._told: set[str] = set()

    def project(self, repo: Repo | None) -> Project | None:
        """Return the project that works on a repository."""
        return self._projects.get(repo.full_name.lower()) if repo else None

    def as_configured(self, repo: Repo) -> Repo:
        """Return a repository by its name in the configuration, if it is there by another one.

        A new repository that was given the old name takes it over with its first delivery.
        """
        if not repo.id or self.project(repo):
            return repo
        name = next((self._projects[name].repo for name, number in self._numbers.items() if number == repo.id), None)
        if name is None:
            return repo
        if repo.full_name not in self._told:
            self._told.add(repo.full_name)
            log.warning("renamed: change the project's `repo`", extra={"was": name, "repository": repo.full_name})
        return msgspec.structs.replace(repo, full_name=name)

    def remember(self, repo: Repo, tx: Tx) -> None:
        """Keep the number of a repository of a project."""
        name = repo.full_name.lower()
        if repo.id and self._numbers.get(name) != repo.id:
            notes.put(tx, _key(name), repo.id)
            self._numbers[name] = repo.id


def _key(name: str) -> str:
    return f"repository:{name}"
