"""Checkouts made ahead: files in `worktrees/<project>/.warm-<name>`, their index and a mark in the control directory.

    control/warm/<name>/index
    control/warm/<name>/ready     the commit that the files are at; there only while nobody has taken or changes them

A mark is crossed out before anything is done with its checkout, so that none is handed out twice and one that was cut
off, in the making or in the taking, is known by its missing mark.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from runtime import disk
from runtime.errors import GitFailed
from runtime.repository import BareRepository

LONG = 600.0


@dataclass(frozen=True)
class Draft:
    """A checkout that has no place yet."""

    files: Path
    index: Path


async def check_out(repository: BareRepository, draft: Draft, commit: str, *, gently: bool = False) -> None:
    """Write a commit's files into an empty directory, and their index."""
    env = {"GIT_INDEX_FILE": str(draft.index)}
    await repository.run(
        "read-tree", "--reset", "-u", commit, work_tree=draft.files, env=env, deadline=LONG, gently=gently
    )


class Warm(NamedTuple):
    """A checkout on the shelf; `commit` is None while it is being made, changed or taken."""

    name: str
    commit: str | None


class Shelf:
    """The checkouts of one project that wait to be taken."""

    def __init__(self, repository: BareRepository, worktrees: Path) -> None:
        """`worktrees` is where the project's sessions have theirs: a checkout is taken by renaming it."""
        self._repository = repository
        self._worktrees = worktrees
        self._marks = repository.control / "warm"

    def listing(self) -> list[Warm]:
        """Return what is on the shelf, also what was cut off."""
        names = sorted(place.name for place in self._marks.glob("*"))
        return [Warm(name, disk.read(self._mark(name))) for name in names]

    async def take(self, commit: str) -> Draft | None:
        """Return a checkout of this commit, which belongs to the caller from then on; None when there is none."""
        ready = [warm for warm in self.listing() if warm.commit is not None]
        for warm in sorted(ready, key=lambda warm: warm.commit != commit):
            draft = self._cross_out(warm.name)
            if draft is not None and (warm.commit == commit or await self._move(draft, warm.commit, commit)):
                return draft
        return None

    async def add(self, commit: str) -> None:
        """Make another checkout, without hurry."""
        name = secrets.token_hex(4)
        draft = self._draft(name)
        draft.files.mkdir(parents=True)
        draft.index.parent.mkdir(parents=True)
        await check_out(self._repository, draft, commit, gently=True)
        disk.write(self._mark(name), commit)

    async def renew(self, warm: Warm, commit: str) -> None:
        """Bring a checkout to another commit, unless it has been taken."""
        draft = self._cross_out(warm.name)
        if draft is not None and await self._move(draft, warm.commit, commit, gently=True):
            disk.write(self._mark(warm.name), commit)

    def remove(self, name: str) -> None:
        """Remove a checkout and all traces of it."""
        self._mark(name).unlink(missing_ok=True)
        disk.remove_tree(self._draft(name).files)
        disk.remove_tree(self._marks / name)

    def strays(self) -> list[str]:
        """Return the names of checkouts that were cut off, in the making or in the taking."""
        known = {warm.name: warm.commit for warm in self.listing()}
        there = {place.name.removeprefix(".warm-") for place in self._worktrees.glob(".warm-*")}
        return sorted(name for name in known.keys() | there if known.get(name) is None or name not in there)

    def _mark(self, name: str) -> Path:
        return self._marks / name / "ready"

    def _draft(self, name: str) -> Draft:
        return Draft(self._worktrees / f".warm-{name}", self._marks / name / "index")

    def _cross_out(self, name: str) -> Draft | None:
        """Take a checkout's mark away; None when somebody was quicker, or its files are gone."""
        draft = self._draft(name)
        try:
            self._mark(name).unlink()
        except FileNotFoundError:
            return None
        return draft if disk.is_own_directory(draft.files) and draft.index.is_file() else None

    async def _move(self, draft: Draft, before: str | None, commit: str, *, gently: bool = False) -> bool:
        """Change what differs between two commits; False when that cannot be done, for whatever reason."""
        env = {"GIT_INDEX_FILE": str(draft.index)}
        command = ("read-tree", "-m", "-u", str(before), commit)
        try:
            await self._repository.run(*command, work_tree=draft.files, env=env, deadline=LONG, gently=gently)
        except GitFailed:
            return False
        return True
