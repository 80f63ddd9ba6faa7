"""Where sessions work: each project's repository, kept fresh by push deliveries, and a worktree per session."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

from runtime import disk
from runtime.both import both
from runtime.errors import GitFailed, Permanent, UserError, WorkspaceMissing
from runtime.freshness import Freshness
from runtime.git import Git
from runtime.openings import Openings
from runtime.ports import Forge
from runtime.preserve import begun_at, kept_files, kept_refs, preserve
from runtime.project import Project
from runtime.repositories import Repositories
from runtime.room import no_room, refuse_beside
from runtime.sessions import Session
from runtime.shelf import Shelf
from runtime.starting_point import is_own, starting_point
from runtime.store import sessions
from runtime.store.store import Store
from runtime.workspace import Repository, Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

AGENT_NAME = "{agent} ({session})"
OUTSIDE = "{path} leads to {real}, outside of what this service manages"
LOST = (
    "The repository {path}, which the worktree of {id} was made from, is gone: bring it back, or move the worktree "
    "elsewhere; {id} is cleaned up then."
)
BRANCH_GONE = "Workspace missing: the branch {branch} of {id} is gone, here and on {repo}."
KEPT = " Of its work there is {ref}: `git -C {path} branch {branch} {ref}` makes the branch again, then restore {id}."
NOTHING_KEPT = " Start a new session on the issue instead."

AGENT_EMAIL = "{session}@agent-orchestrator.invalid"


class NumberTaken(Permanent):
    """The forge has a branch that is named like the session's own."""


class Workspaces:
    """Opens and closes worktrees; at most `spawns_at_once` are checked out at the same time."""

    def __init__(
        self, root: Path, git: Git, forge: Forge, store: Store, projects: Mapping[str, Project], *, spawns_at_once: int
    ) -> None:
        self.root = root
        self._store = store
        self._projects = projects
        self.repositories = Repositories(root / "repos", git, forge)
        self._freshness = Freshness(store, projects)
        self.openings = Openings(spawns_at_once)

    def worktree(self, session: Session) -> Path:
        """Return where a session works."""
        return self.root / "worktrees" / session.project / session.id

    def repository(self, session: Session) -> Repository:
        """Return the repository a session's worktree belongs to."""
        return self.repositories.of_session(session, self._projects[session.project])

    def shelf(self, project: Project) -> Shelf:
        """Return the project's checkouts that were made ahead."""
        return Shelf(self.repositories.of(project), self.root / "worktrees" / project.id)

    def checked_out_in(self, project: Project, branch: str) -> Path | None:
        """Return the directory that has the branch checked out, if one has."""
        return self.repositories.of(project).used_by(branch)

    async def no_room(self, project: Project, branch: str, *, is_there: bool) -> str | None:
        """Return why git has no room for a branch, or None; with `is_there` the forge has it already."""
        return await no_room(self.repositories.of(project), branch, is_there=is_there)

    async def open(
        self, session: Session, gate: Path, *, beside: Callable[[dict[str, str]], Awaitable[T]]
    ) -> tuple[str, dict[str, str], T]:
        """Make the session's worktree; return its first commit, what its git needs to be told, and what `beside` did.

        `beside` is done while the files are written: the repository is there then, and as new as it has to be. It is
        given what the git needs to be told. This is for a session whose agent has never run: a branch of its name on
        the forge is not its own.

        Raises:
            NumberTaken: the forge has a branch of the session's name.

        """
        repository, project = self.repository(session), self._projects[session.project]
        async with self.openings.turn():
            base = await starting_point(repository, session, await self._base(repository, session))
            settings = _settings(session, gate)

            async def told() -> tuple[dict[str, str], T]:
                environment = await repository.environment(settings)
                return environment, await beside(environment)

            place, shelf = self.worktree(session), self.shelf(project)
            adding = repository.add_worktree(place, session.branch, base, settings, shelf=shelf)
            _, (environment, done) = await both(adding, told())
        return base, environment, done

    async def newest(self, project: Project, base: str) -> str | None:
        """Return the newest commit of a base branch, fetched if a push was heard of."""
        repository = self.repositories.of(project)
        await self._freshness.ensure(repository, project)
        return await repository.sha_of(base)

    async def _base(self, repository: Repository, session: Session) -> str:
        """Return the newest commit of the base branch; fetched only when ours may be out of date."""
        project = self._projects[session.project]
        await self._freshness.ensure(repository, project, surely=not is_own(session))
        theirs = self._freshness.branches(project) if is_own(session) else frozenset()
        if session.branch in theirs:
            raise NumberTaken(f"{session.repo} has a branch {session.branch} already")
        refuse_beside(theirs, session)
        base = await repository.sha_of(session.base)
        if base is None:
            raise GitFailed(f"{session.repo} has no branch {session.base}: set default_branch of the project")
        return await self._tip_of_parent(repository, session) or base

    async def _tip_of_parent(self, repository: Repository, session: Session) -> str | None:
        """Return the newest commit of the session that this one helps, if it has a parent that has a branch."""
        name = session.parent
        parent = self._store.read(lambda sql: sessions.get(sql, name)) if name is not None else None
        return await repository.resolve(f"refs/heads/{parent.branch}") if parent is not None else None

    async def reopen(self, session: Session, gate: Path, *, merged: bool, pushed: bool) -> tuple[dict[str, str], str]:
        """Bring a session's worktree back and return what its git needs to be told, and the ref that was replayed.

        One that is there stays as it is; a missing one comes from its branch, with the uncommitted work that was kept
        when it went, if that belongs to the branch as it is now.

        Raises:
            WorkspaceMissing: the branch is gone.

        """
        repository, worktree = self.repository(session), self.worktree(session)
        async with self.openings.turn():
            repository.ensure()
            tip = await self.tip(session, merged=merged, pushed=pushed)
            kept = None if repository.is_complete(worktree) else await kept_files(repository, session.id, tip)
            settings = _settings(session, gate)
            environment = await repository.environment(settings)
            await repository.add_worktree(worktree, session.branch, tip, settings, files=kept.sha if kept else None)
        if kept is not None:
            await repository.run("update-ref", "-d", kept.ref, kept.sha)
        return environment, kept.ref if kept else ""

    async def tip(self, session: Session, *, merged: bool, pushed: bool) -> str:
        """Return the commit that a session's branch is at, here or else on the forge.

        A branch that is gone because it was merged, or because nothing was ever on it, starts again from its base; if
        files are kept that were never committed, from where it was when they were.
        """
        repository = self.repository(session)
        if tip := await repository.resolve(f"refs/heads/{session.branch}"):
            return tip
        await repository.fetch()
        kept = await kept_refs(repository, session.id)
        if tip := await repository.sha_of(session.branch):
            return tip
        if not pushed and (began := await begun_at(repository, session.id)):
            return began
        base = await repository.sha_of(session.base)
        if base is None or (not merged and (pushed or kept)):
            raise WorkspaceMissing(_missing(session, repository, kept))
        return base

    async def preserve(self, session: Session, pushed: list[str]) -> str | None:
        """Keep what is not on the forge and return the ref it is kept under.

        Raises:
            UserError: there is a worktree, and the repository that it was made from is gone.

        """
        repository, worktree = self.repository(session), self.worktree(session)
        if disk.is_own_directory(worktree) and not repository.path.exists():
            raise UserError(LOST.format(path=repository.path, id=session.id))
        kept = await preserve(
            repository, worktree, session.branch, session.id, self._store.clock(),
            pushed_shas=pushed,
        )  # fmt: skip
        return kept.ref if kept else None

    async def close(self, session: Session, *, merged: bool) -> str:
        """Remove the worktree; the branch goes too when nothing was done on it, or after a merge, then everywhere.

        A branch that others have begun stays theirs: only our copy of what the forge has goes.

        Return why the worktree was left alone, if it was: one that is not where we make them is not ours to remove. Of
        a link in its place only the link goes.
        """
        repository, worktree = self.repository(session), self.worktree(session)
        why = ""
        if not disk.is_really_at(worktree, self.root):
            log.warning("worktree left alone", extra={"session_id": session.id, "worktree": str(worktree)})
            why = OUTSIDE.format(path=worktree, real=disk.reached(worktree))
            await self._record_left(session, why)
        if disk.is_really_at(worktree.parent, self.root):
            await repository.remove_worktree(worktree)
            await self._close_branch(repository, session, merged=merged)
        return why

    async def _close_branch(self, repository: Repository, session: Session, *, merged: bool) -> None:
        tip = await repository.resolve(f"refs/heads/{session.branch}")
        if tip is None:
            return
        if not is_own(session):
            if not repository.borrowed and tip == await repository.sha_of(session.branch):
                await repository.delete_branch(session.branch, tip)
            return
        # Ours goes last: what is cut off between the two is found and done again.
        if merged:
            await self._delete_remote(repository, session, tip)
        elif await self._has_own_commits(repository, session, tip):
            return
        await repository.delete_branch(session.branch, tip)

    @staticmethod
    async def _has_own_commits(repository: Repository, session: Session, tip: str) -> bool:
        base = await repository.sha_of(session.base)
        return base is None or bool(await repository.run("rev-list", "-1", tip, "--not", base))

    async def _delete_remote(self, repository: Repository, session: Session, tip: str) -> None:
        try:
            await repository.delete_remote_branch(session.branch, tip)
        except GitFailed as exc:  # protected, for example; it is merged, so nothing is lost by leaving it
            log.warning("merged branch stays on the forge", extra={"branch": session.branch, "error": str(exc)})
            await self._record_left(session, f"the merged branch {session.branch} stays on the forge: {exc}")

    async def _record_left(self, session: Session, what: str) -> None:
        said = f"{session.id}: {what}"
        await self._store.write(lambda tx: tx.record("left_behind", said, session_id=session.id))


def _settings(session: Session, gate: Path) -> Settings:
    name = AGENT_NAME.format(agent=session.agent, session=session.id)
    return Settings(gate=gate, name=name, email=AGENT_EMAIL.format(session=session.id))


def _missing(session: Session, repository: Repository, kept: list[str]) -> str:
    said = BRANCH_GONE.format(branch=session.branch, id=session.id, repo=session.repo)
    if not kept:
        return said + NOTHING_KEPT
    return said + KEPT.format(ref=kept[0], path=repository.path, branch=session.branch, id=session.id)
