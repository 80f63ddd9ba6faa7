"""The projects' repositories, and those that sessions' worktrees were made from, which may be others by now."""

from glob import escape
from pathlib import Path

from runtime.git import Git, Remote
from runtime.ports import Forge
from runtime.project import Project
from runtime.repository import RemoteProvider
from runtime.sessions import Session
from runtime.workspace import Repository


class Repositories:
    """Opens each repository once; `known` holds them by project, or by control directory."""

    def __init__(self, below: Path, git: Git, forge: Forge) -> None:
        self._below = below
        self._git = git
        self._forge = forge
        self.known: dict[str, Repository] = {}

    def of(self, project: Project) -> Repository:
        """Return the repository that a project has now."""
        if project.id not in self.known:
            self.known[project.id] = self._open(project)
        return self.known[project.id]

    def of_session(self, session: Session, project: Project) -> Repository:
        """Return the repository that made a session's worktree, also when its project has got another one since."""
        now = self.of(project)
        if _has_made(now.control, session):
            return now
        place = self._below / session.repo
        found = place.parent.glob(f"{escape(place.name)}*.control")
        before = next((control for control in found if _has_made(control, session)), None)
        return now if before is None else self._former(before, session.repo)

    def _open(self, project: Project) -> Repository:
        url, remote = self._forge.clone_url(project.repo), self._remote(project.repo)
        below = self._below / project.repo
        if project.path is not None:
            control = below.with_name(f"{below.name}.control")
            return Repository.of_clone(project.path, self._git, remote, url=url, control=control)
        return Repository(below.with_name(f"{below.name}.git"), self._git, remote, url=url)

    def _former(self, control: Path, repo: str) -> Repository:
        if str(control) not in self.known:
            path = (control / "refs").readlink().parent
            self.known[str(control)] = Repository(
                path, self._git, self._remote(repo), url=self._forge.clone_url(repo), control=control,
                borrowed=not path.is_relative_to(self._below),
            )  # fmt: skip
        return self.known[str(control)]

    def _remote(self, repo: str) -> RemoteProvider:
        async def remote() -> Remote:
            return await self._forge.remote(repo)

        return remote


def _has_made(control: Path, session: Session) -> bool:
    return (control / "made" / session.id).exists()
