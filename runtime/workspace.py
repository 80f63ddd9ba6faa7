"""Worktrees: where agents work, made and removed without believing anything that an agent wrote.

A file in the control directory remembers how far each worktree is, out of the agent's reach: `new` while its branch
is being started, `made` while its files are written, `ready` from then on, when its files are the agent's work and
are never written again.
"""

import asyncio
import logging
import os
import secrets
import shlex
from pathlib import Path

import msgspec

from runtime import disk, layout, refs
from runtime.errors import GitFailed
from runtime.git import NOBODY
from runtime.repository import BareRepository
from runtime.room import not_made
from runtime.shelf import Draft, Shelf, check_out
from runtime.shim.install import UPLOAD_PACK

log = logging.getLogger(__name__)

NOT_OURS = "{path} exists and was not made by this service: move it away, then start the session again."
IN_USE = "{branch} is checked out in {path}: check out another branch there, then start the session again."

ASIDE = "git-of-the-agent"
"""What a `.git` directory that an agent made is called when the worktree is registered again."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent's git is told: where its pushes and fetches go, and who commits."""

    gate: Path
    name: str
    email: str

    @property
    def upload_pack(self) -> str:
        """Return the command that serves the agent's fetches, as git hands it to a shell."""
        return shlex.quote(str(self.gate.parent / "bin" / UPLOAD_PACK))


class Repository(BareRepository):
    """A project's repository with the worktrees of its sessions; a worktree's directory is named after its session."""

    async def add_worktree(
        self, path: Path, branch: str, sha: str, settings: Settings, *, files: str | None = None,
        shelf: Shelf | None = None,
    ) -> None:  # fmt: skip
        """Check out `branch` at `path`, starting it at `sha` if it does not exist yet.

        `files` is a commit whose files a new worktree gets instead, as changes that are not committed.

        May be repeated and interrupted anywhere. A worktree that was once complete is never checked out again, only
        its registration is repaired; a missing one comes back from its branch. A branch of that name that a lost
        session left is kept under `refs/ao/preserved/` before it moves.
        """
        self.ensure()
        self.refuse_shared_branch(path, branch)
        progress = self._progress(path)
        if progress == "ready":
            await self._fill_index(path, branch)
        else:
            await self._make(path, branch, sha, is_new=progress == "new", files=files, shelf=shelf)
        self._register(path, branch, settings)
        disk.write(self._mark(path), "ready")

    def is_complete(self, path: Path) -> bool:
        """Tell whether a worktree is there with all of its files; they are the agent's work from then on."""
        return self._progress(path) == "ready"

    async def remove_worktree(self, path: Path) -> None:
        """Remove a worktree that this service made, whatever is in it; its branch stays. Preserve its work first."""
        gone = path.with_name(f".gone-{path.name}")
        await asyncio.to_thread(disk.remove_tree, gone)
        self._forget(path, gone)
        await asyncio.to_thread(disk.remove_tree, gone)

    def admin(self, path: Path) -> Path:
        """Return the directory in which git keeps a worktree's HEAD and index; named by us, never looked up."""
        return self.path / "worktrees" / f"ao-{path.name}"

    def _mark(self, path: Path) -> Path:
        return self.control / "made" / path.name

    def _progress(self, path: Path) -> str:
        """Return how far a worktree is; refuse to touch a directory that we did not make."""
        progress = disk.read(self._mark(path)) or "new"
        present = disk.is_own_directory(path)
        if progress == "new" and present and any(path.iterdir()):
            raise GitFailed(NOT_OURS.format(path=path))
        return "made" if progress == "ready" and not present else progress

    def used_by(self, branch: str, *, besides: Path | None = None) -> Path | None:
        """Return the directory that has the branch checked out, if one has."""
        admins = [admin for admin in (self.path / "worktrees").glob("*") if branch_in(admin / "HEAD") == branch]
        places = [Path(gitdir).parent for admin in admins if (gitdir := (disk.read(admin / "gitdir") or "").strip())]
        if self.borrowed and branch_in(self.path / "HEAD") == branch:
            places.append(self.path)
        return next((place for place in places if place != besides and place.exists()), None)

    def refuse_shared_branch(self, path: Path, branch: str) -> None:
        """Refuse a branch that somebody else has checked out: two worktrees would undo each other's commits."""
        if (other := self.used_by(branch, besides=path)) is not None:
            raise GitFailed(IN_USE.format(branch=branch, path=other))

    async def _start_branch(self, path: Path, branch: str, sha: str) -> None:
        """Create the branch; one that this worktree already had stays where it is."""
        ref = f"refs/heads/{branch}"
        if not self.borrowed and refs.start(self.path, ref, sha, draft=self.control):
            return
        created = await self.git.attempt("update-ref", ref, sha, NOBODY, git_dir=self.control)
        if created.code == 0 or disk.read(self._mark(path)) in ("made", "ready"):
            return
        found = await self.resolve(ref)
        if found is None:
            raise not_made(branch, created.err, self.path)
        if found != sha:
            if not await self.contains(sha, found):
                await self.run("update-ref", f"refs/ao/preserved/{path.name}/{found[:12]}", found)
            await self.run("update-ref", ref, sha, found)

    async def _make(
        self, path: Path, branch: str, sha: str, *, is_new: bool, files: str | None, shelf: Shelf | None
    ) -> None:
        """Write the files and the index under names that nobody else uses, then put them in their places.

        A git that outlived a killed service writes beside us. What is new starts at `sha` for certain; else the
        branch decides.
        """
        await self._clear(path)
        await self._start_branch(path, branch, sha)
        if is_new:
            draft = await self._draft(path, sha, files, shelf)
        else:
            draft = await self._draft(path, f"refs/heads/{branch}", files, None)
        disk.write(self._mark(path), "made")
        draft.files.rename(path)
        disk.move(draft.index, self.admin(path) / "index")

    async def _clear(self, path: Path) -> None:
        """Clear what an interrupted or lost checkout left."""
        for left in self._left_of(path):
            await asyncio.to_thread(disk.remove_tree, left)
        self.admin(path).mkdir(parents=True)

    def _left_of(self, path: Path) -> list[Path]:
        places = (path, self.admin(path), *path.parent.glob(f".new-{path.name}.*"))
        return [place for place in places if os.path.lexists(place)]

    async def _draft(self, path: Path, commit: str, files: str | None, shelf: Shelf | None) -> Draft:
        """Return a checkout of a commit, with other files in it if they are named; a ready-made one if there is."""
        if shelf is not None and files is None and (warm := await shelf.take(commit)) is not None:
            return warm
        word = secrets.token_hex(8)
        draft = Draft(path.with_name(f".new-{path.name}.{word}"), self.admin(path) / f"index.{word}")
        draft.files.mkdir(parents=True)
        if files is not None:
            await check_out(self, draft, files)
            await self.run("read-tree", commit, env={"GIT_INDEX_FILE": str(draft.index)})
        else:
            await check_out(self, draft, commit)
        return draft

    async def _fill_index(self, path: Path, branch: str) -> None:
        """Make an index that is missing; the files are the agent's work and stay as they are."""
        index = self.admin(path) / "index"
        if index.exists():
            return
        index.parent.mkdir(parents=True, exist_ok=True)
        made = index.with_name(f"index.{secrets.token_hex(8)}")
        await self.run("read-tree", f"refs/heads/{branch}", work_tree=path, env={"GIT_INDEX_FILE": str(made)})
        made.rename(index)

    def _register(self, path: Path, branch: str, settings: Settings) -> None:
        """Write what `git worktree add` would; what is right already, and a HEAD that the agent moved, stay."""
        admin = self.admin(path)
        admin.mkdir(parents=True, exist_ok=True)
        files = {admin / "commondir": "../..\n", admin / "gitdir": f"{path / '.git'}\n"}
        files[path / ".git"] = f"gitdir: {admin}\n"
        if not self.borrowed:
            files[admin / "config.worktree"] = layout.worktree_config(
                self.url, settings.gate, settings.upload_pack, settings.name, settings.email
            )
        if not disk.read(admin / "HEAD"):
            files[admin / "HEAD"] = f"ref: refs/heads/{branch}\n"
        _move_aside(path / ".git")
        for file, text in files.items():
            if disk.read(file) != text:
                disk.write(file, text)

    def _forget(self, path: Path, gone: Path) -> None:
        """Move a worktree out of the way in one step and drop its registration."""
        if path.exists() and not self._mark(path).exists():
            raise GitFailed(NOT_OURS.format(path=path))
        if path.exists() or path.is_symlink():
            path.rename(gone)
        disk.remove_tree(self.admin(path))
        self._mark(path).unlink(missing_ok=True)

    async def environment(self, settings: Settings) -> dict[str, str]:
        """Return what the agent's git is told where the configuration of the clone is a person's and not written."""
        if not self.borrowed:
            return {}
        config = ("config", "--file", str(self.path / "config"), "--no-includes", "--get-regexp")
        listed = await self.git.attempt(*config, r"^remote\.origin\.(push)?url$")
        urls = {line.split(" ", 1)[1] for line in listed.out.splitlines() if " " in line}
        pairs = [(f"url.{settings.gate}.insteadOf", url) for url in sorted(urls | {self.url})]
        pairs += [] if urls else [("remote.origin.url", self.url)]
        pairs += [("remote.origin.uploadpack", settings.upload_pack), ("push.default", "current")]
        pairs += [("user.name", settings.name), ("user.email", settings.email)]
        numbered = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(pairs)}
        numbered |= {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(pairs)}
        return {"GIT_CONFIG_COUNT": str(len(pairs)), **numbered}


def _move_aside(found: Path) -> None:
    """Move a repository that an agent made in its worktree's place to a name beside it; it is the agent's work."""
    if not disk.is_own_directory(found):
        return
    names = (f"{ASIDE}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    aside = next(place for name in names if not os.path.lexists(place := found.with_name(name)))
    found.rename(aside)
    log.warning("moved a repository of the agent aside", extra={"worktree": str(found.parent), "to": str(aside)})


def branch_in(head: Path) -> str | None:
    """Return the branch that a HEAD file names, or None when it is detached or unreadable."""
    text = (disk.read(head) or "").strip()
    return text.removeprefix("ref: refs/heads/") if text.startswith("ref: refs/heads/") else None
