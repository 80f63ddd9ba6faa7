"""Turns the files of a worktree into a tree, whatever repositories are among them.

Repositories inside are read as plain files, because nothing of their own configuration may be; a link that has been
added to one stays only where it alone brings back what is there: in a submodule as its own remote has it.
"""

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypedDict

from runtime import disk, layout, refs
from runtime.errors import GitFailed
from runtime.git import NOBODY, failure
from runtime.repository import BareRepository

_NESTED_AT_MOST = 3
_LONG = 600.0


class _Place(TypedDict):
    """Where and by which index a git command works."""

    git_dir: Path
    work_tree: Path
    env: dict[str, str]


class _Link(NamedTuple):
    """The entry that stands for another repository; one that is not registered as a submodule leads nowhere."""

    path: str
    commit: str
    registered: bool


class Snapshot:
    """One directory turned into a tree, by an index that is thrown away."""

    def __init__(self, repository: BareRepository, top: Path, depth: int = 0, objects: Path | None = None) -> None:
        """`objects` is where else commits to compare with are found; nothing of it is part of a tree."""
        self._repository = repository
        self._top = top
        self._depth = depth
        self._objects = {} if objects is None else {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)}
        self._index = repository.control / f"index.{secrets.token_hex(8)}"

    async def take(self, base: str | None) -> tuple[str, str]:
        """Return the tree, and git's words about files it could not read."""
        try:
            await self._run("read-tree", base or "--empty")
            unreadable = await self._add_files()
            return (await self._run("write-tree")).strip(), unreadable
        finally:
            self._index.unlink(missing_ok=True)

    async def _add_files(self) -> str:
        """Bring the index up to the files; repositories inside are left out while git looks at files.

        At a link, git would start `git status` in the repository it finds there, under that one's configuration.
        """
        staying = {link.path: link for link in await self._take_links_out() if await self._is_brought_back(link)}
        nested = [path for path in await self._listed("--others", "--exclude-standard") if path.endswith("/")]
        inner = [path for path in nested if path.rstrip("/") not in staying]
        unreadable = await self._add(without=[path.rstrip("/") for path in (*staying, *inner)])
        await self._edit(f"160000 {link.commit} 0\t{link.path}" for link in staying.values())
        for path in inner if self._depth < _NESTED_AT_MOST else ():
            below = Snapshot(self._repository, self._top / path, self._depth + 1)
            tree, more = await below.take(None)
            await self._run("read-tree", f"--prefix={path}", tree)
            unreadable += more
        return unreadable

    async def _take_links_out(self) -> list[_Link]:
        """Take the links to other repositories out of the index and return them."""
        entries = [line.split("\t", 1) for line in await self._listed("--stage") if line.startswith("160000 ")]
        registered = await self._registered() if entries else frozenset()
        await self._edit(f"0 {NOBODY}\t{path}" for _, path in entries)
        return [_Link(path, entry.split()[1], path in registered) for entry, path in entries]

    async def _registered(self) -> frozenset[str]:
        """Return the directories that the index names as submodules."""
        ended = await self._repository.git.attempt(
            "config", "--blob=:.gitmodules", "--null", "--get-regexp", r"^submodule\..*\.path$", **self._place()
        )
        return frozenset(entry.partition("\n")[2] for entry in ended.out.split("\0") if ended.code == 0)

    async def _is_brought_back(self, link: _Link) -> bool:
        """Tell whether a link alone brings back what is in its directory: nothing, or what its own remote has."""
        inside = self._top / link.path
        try:
            if not disk.is_really_at(inside, self._top) or not inside.is_dir():
                return False
            if not any(inside.iterdir()):
                return True
            found = layout.common_directory(inside)
        except OSError:
            return False
        if found is None or not link.registered or self._depth >= _NESTED_AT_MOST:
            return False
        below = Snapshot(self._repository, inside, self._depth + 1, found / "objects")
        return await below._has_only(link.commit, remotes=(refs.below(found, "refs/remotes/") or {}).values())

    async def _has_only(self, commit: str, *, remotes: Iterable[str]) -> bool:
        """Tell whether the files are those of a commit that one of the remotes has, and nothing else."""
        try:
            if await self._run("rev-list", "-1", commit, "--not", *remotes):
                return False
            await self._run("read-tree", commit)
            links = await self._take_links_out()
            changed = await self._listed("--modified", "--deleted", "--others", "--exclude-standard")
            untouched = {path.rstrip("/") for path in changed} <= {link.path for link in links}
            return untouched and all([await self._is_brought_back(link) for link in links])
        except GitFailed:
            return False
        finally:
            self._index.unlink(missing_ok=True)

    async def _add(self, without: list[str]) -> str:
        """Add every file, skipping those that cannot be read."""
        paths = [".", *(f":(exclude,top,literal){path}" for path in without)]
        ended = await self._repository.git.attempt(
            "add", "--all", "--ignore-errors", "--pathspec-from-file=-", "--pathspec-file-nul",
            input="\0".join(paths), deadline=_LONG, **self._place(),
        )  # fmt: skip
        if ended.code not in (0, 1):
            raise failure(("add",), ended)
        return "".join(f"{line}\n" for line in ended.err.splitlines() if line.startswith("error: open("))

    async def _listed(self, *what: str) -> list[str]:
        return [entry for entry in (await self._run("ls-files", "-z", *what)).split("\0") if entry]

    async def _edit(self, lines: Iterable[str]) -> None:
        if text := "".join(f"{line}\0" for line in lines):
            await self._run("update-index", "-z", "--index-info", given=text)

    async def _run(self, *args: str, given: str | None = None) -> str:
        return await self._repository.git.run(*args, input=given, deadline=_LONG, **self._place())

    def _place(self) -> _Place:
        index = {"GIT_INDEX_FILE": str(self._index), **self._objects}
        return {"git_dir": self._repository.control, "work_tree": self._top, "env": index}
