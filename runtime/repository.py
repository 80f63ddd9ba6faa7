"""One project's repository: kept fresh from its remote, shared with agents, never believed.

Every git command runs by the repository's control directory (`runtime.layout`). Nothing that an agent can write is
read as configuration: not the shared repository's config, hooks or attributes, not a worktree's `.git` file.
"""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Self

from runtime import broken_refs, disk, layout, refs
from runtime.errors import AoError, ConfigError
from runtime.git import Ended, Git, Remote, failure

log = logging.getLogger(__name__)

RemoteProvider = Callable[[], Awaitable[Remote]]
"""Returns the remote with a credential that is valid now."""

NOT_A_CLONE = "{path} is not a git repository: set the project's `path` to an existing clone, or leave it out."
_LOCKED = re.compile(r"Unable to create '([^'\n]+\.lock)': File exists")
_ELSEWHERE = ("objects/info/alternates", "objects/info/http-alternates")
_LONGEST = 600.0
_FETCH = ("--quiet", "--no-auto-maintenance", "--no-recurse-submodules")
_FETCHED = re.compile(r"^([0-9a-f]{40})\t[^\t\n]*\tbranch '(.+)' of ", re.MULTILINE)
_TRACKING = "+refs/heads/*:refs/remotes/origin/*"


class BareRepository:
    """Objects and refs of one project: `path` is shared with the agents, `control` is the service's own side of it."""

    def __init__(
        self,
        path: Path,
        git: Git,
        remote: RemoteProvider,
        *,
        url: str,
        control: Path | None = None,
        borrowed: bool = False,
    ) -> None:
        self.path = path
        usual = control or path.with_name(f"{path.name.removesuffix('.git')}.control")
        self.control = layout.control_for(usual, path)
        self.git = git
        self.remote = remote
        self.url = url
        self.borrowed = borrowed
        self._fetching = asyncio.Lock()
        self._listing: asyncio.Task[dict[str, str]] | None = None

    @classmethod
    def of_clone(cls, clone: Path, git: Git, remote: RemoteProvider, *, url: str, control: Path) -> Self:
        """Return the repository of a clone that a person has; its config and checked-out files stay as they are."""
        shared = layout.common_directory(clone.expanduser())
        if shared is None:
            raise ConfigError(NOT_A_CLONE.format(path=clone))
        return cls(shared, git, remote, url=url, control=control, borrowed=True)

    def ensure(self) -> None:
        """Make the repository, or repair its configuration; may be repeated and interrupted anywhere."""
        if not self.borrowed:
            layout.make_shared(self.path, self.url)
            self._restore_config()
        layout.make_control(self.control, self.path, borrowed=self.borrowed)

    async def fetch(self) -> None:
        """Bring `refs/remotes/origin/*` up to date; branches of agents and preserved work are never pruned."""
        self.ensure()
        prune = () if self.borrowed else ("--prune",)
        async with self._fetching:
            remote = await self.remote()
            await self.run("fetch", *_FETCH, *prune, "--", remote.url, _TRACKING, remote=remote, deadline=_LONGEST)
            with contextlib.suppress(FileNotFoundError):  # another project's fetch of the same repository has it
                (self.control / "FETCH_HEAD").replace(self._noted)

    @property
    def _noted(self) -> Path:
        """Where it is noted what the last fetch found on the forge, in git's own words; no agent writes there."""
        return self.control / "forge"

    def _fetched(self) -> dict[str, str]:
        """Return the forge's branches and their commits as noted after the last fetch; nothing if there was none."""
        try:
            return {name: sha for sha, name in _FETCHED.findall(self._noted.read_text(errors="surrogateescape"))}
        except FileNotFoundError:
            return {}

    async def beyond_forge(
        self, *args: str, pushed: Collection[str] = (), env: Mapping[str, str] | None = None, deadline: float = 60.0
    ) -> str:
        """Run a command that walks commits, without those that the forge has; `pushed` are more that it has.

        No ref of `refs/remotes/` is asked: an agent could write one to hide what it leads to.
        """
        fetched = self._fetched()
        if not fetched:
            with contextlib.suppress(AoError):  # then nothing counts as on the forge, which loses and lets out nothing
                await self.fetch()
                fetched = self._fetched()
        known = "".join(f"^{sha}\n" for sha in {*pushed, *fetched.values()})
        return await self.run(*args, "--ignore-missing", "--stdin", input=known, env=env, deadline=deadline)

    async def sha_of(self, branch: str) -> str | None:
        """Return the commit of the remote's branch as last fetched, or None."""
        ref = f"refs/remotes/origin/{branch}"
        return refs.read(self.path, ref) or await self.resolve(ref) or self._fetched().get(branch)

    async def resolve(self, ref: str) -> str | None:
        """Return the commit that a full ref name or a commit's hash stands for, or None."""
        ended = await self.git.attempt(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", git_dir=self.control
        )
        return ended.out.strip() if ended.code == 0 else None

    async def contains(self, commit: str, other: str) -> bool:
        """Tell whether a commit has another among its ancestors, or is the same."""
        ended = await self.git.attempt("merge-base", "--is-ancestor", other, commit, git_dir=self.control)
        if ended.code not in (0, 1):
            raise failure(("merge-base",), ended)
        return ended.code == 0

    async def remote_branches(self) -> dict[str, str]:
        """Return the remote's branches and their commits, as last fetched; callers at the same moment share a look."""
        if self._listing is None:
            self._listing = asyncio.create_task(self._list_branches())
        return await asyncio.shield(self._listing)

    async def _list_branches(self) -> dict[str, str]:
        # Whoever asked before git starts gets its answer; whoever asks later must not get what may be old by then.
        self._listing = None
        if not self.borrowed and (found := refs.below(self.path, "refs/remotes/origin/")) is not None:
            return found
        listed = await self.run("for-each-ref", "--format=%(objectname) %(refname:lstrip=3)", "refs/remotes/origin/")
        pairs = (line.split(" ", 1) for line in listed.splitlines())
        return {name: sha for sha, name in pairs if name != "HEAD"}

    async def own_branches(self) -> list[str]:
        """Return the names of the branches that are here, whatever the remote has; makes nothing."""
        if not self.path.exists():
            return []
        self.ensure()
        return (await self.run("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/")).splitlines()

    async def branches_around(self, branch: str) -> list[str]:
        """Return the names of the remote's branches above and below a name, asked for now."""
        parts = branch.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts))]
        wanted = [f"refs/heads/{name}" for name in (*above, f"{branch}/*")]
        remote = await self.remote()
        listed = await self.git.run("ls-remote", "--refs", "--", remote.url, *wanted, remote=remote)
        names = (line.partition("\t")[2] for line in listed.splitlines())
        return [name.removeprefix("refs/heads/") for name in names if name.startswith("refs/heads/")]

    async def delete_branch(self, branch: str, expected_sha: str) -> None:
        """Delete a local branch that is still at `expected_sha`; raise GitFailed if it has moved."""
        if await self.resolve(f"refs/heads/{branch}") is not None:
            await self.run("update-ref", "-d", f"refs/heads/{branch}", expected_sha)
        (self.path / "logs/refs/heads" / branch).unlink(missing_ok=True)

    async def delete_remote_branch(self, branch: str, expected_sha: str) -> bool:
        """Delete the remote's branch if it is still at `expected_sha`; False when somebody has moved it since.

        One that is gone already counts as deleted.
        """
        remote = await self.remote()
        ref = f"refs/heads/{branch}"
        command = ("push", "--porcelain", "--no-verify", f"--force-with-lease={ref}:{expected_sha}")
        ended = await self.git.attempt(
            *command, "--", remote.url, f":{ref}", git_dir=self.control, remote=remote, deadline=120.0
        )
        if ended.code != 0 and "(stale info)" in ended.out:
            return not await self.run("ls-remote", "--", remote.url, ref, remote=remote)
        if ended.code != 0 and "remote ref does not exist" not in ended.err:
            raise failure(command, ended, remote)
        return True

    async def run(
        self,
        *args: str,
        work_tree: Path | None = None,
        remote: Remote | None = None,
        env: Mapping[str, str] | None = None,
        input: str | None = None,
        deadline: float = 60.0,
        gently: bool = False,
    ) -> str:
        """Run git on this repository by the service's own configuration.

        Locks that nobody holds are broken, and refs that lead nowhere are dropped when they are in the way.
        """

        def attempt() -> Awaitable[Ended]:
            return self.git.attempt(
                *args, git_dir=self.control, work_tree=work_tree, remote=remote, env=env, input=input,
                deadline=deadline, gently=gently,
            )  # fmt: skip

        ended = await attempt()
        if ended.code != 0 and (self._break_stale_lock(ended.err) or await self._drop_broken_refs(ended.err)):
            ended = await attempt()
        if ended.code != 0:
            raise failure(args, ended, remote)
        return ended.out

    def _break_stale_lock(self, stderr: str) -> bool:
        """Remove a lock that a git left when the machine went down; True when trying again may help."""
        found = _LOCKED.search(stderr)
        lock = Path(found[1]) if found else None
        try:
            if lock is None or time.time() - lock.lstat().st_mtime < _LONGEST:
                return False
            lock.unlink()
        except OSError:
            return False
        log.warning("broke a stale git lock", extra={"repository": str(self.path), "lock": str(lock)})
        return True

    async def _drop_broken_refs(self, stderr: str) -> bool:
        """Drop the refs that lead nowhere, of which one stops every fetch; True when trying again may help."""
        if self.borrowed or not broken_refs.IN_THE_WAY.search(stderr):
            return False
        return await broken_refs.drop(self.git, self.path, self.control)

    def _restore_config(self) -> None:
        """Undo what an agent changed in the shared configuration, which every git would obey, ours as to alternates."""
        for name, text in layout.shared_config(self.url).items():
            if layout.without_branches(disk.read(self.path / name) or "") != text:
                disk.write(self.path / name, text)
                self._tell_restored(name)
        for name in _ELSEWHERE:
            if disk.unlink_below(self.path, name):
                self._tell_restored(name)

    def _tell_restored(self, name: str) -> None:
        log.warning("restored the shared git configuration", extra={"repository": str(self.path), "file": name})
