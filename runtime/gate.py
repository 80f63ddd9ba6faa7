"""The gate: the repository that an agent has as `origin`, and what becomes of a push to it.

The agent's git fetches from it and pushes to it without a credential. Its receive hook asks the service, which judges
the update and pushes it to the forge with its own credential, by its own configuration. The gate's directory belongs
to the agent's side: no git of the service reads its configuration.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

from runtime import disk, layout
from runtime.errors import ForgeBusy, GitFailed
from runtime.gate_server import Answer, PushRequest, Update
from runtime.git import NOBODY, Ended, Remote, failure
from runtime.leaks import find_secret
from runtime.shim.install import install_shims, shim_command
from runtime.workspace import Repository

log = logging.getLogger(__name__)

OWN_BRANCH_ONLY = "Only {own} can be pushed from here: run `git push origin HEAD:{own}`."
DEFAULT_BRANCH = "{branch} changes through pull requests only: run `git push origin HEAD:{own}`, then `gh pr create`."
NO_TAGS = "Tags cannot be pushed from here: push {own}, and name the tag you want in the pull request."
NO_DELETION = "Branches cannot be deleted from here: push new commits to {own} instead; it goes when the work is done."
PUSHED = "{branch} is now at {sha} on {url}."
OUTDATED = "{branch} has commits that you do not have: run `git pull --rebase origin {branch}`, then push again."
REFUSED = "The forge refused the push; change what it names and push again:\n{said}"
LEAK = (
    "{place} looks like a credential: take it out of every commit that is not pushed yet (git commit --amend, or "
    "git rebase), then push again. Write a made-up one so that it does not look real."
)
UNREACHABLE = "The forge cannot be reached now; run the same push again in a minute."

_LONGEST_REFUSAL = 3000
_AGAIN_AFTER = (1.0, 4.0)
_ABANDONED_AFTER = 600.0
_PARTS = ("objects", "objects/info", "refs", "refs/heads", "hooks")
_BEFORE = "# pack-refs with: peeled fully-peeled sorted \n"


def judge_update(updates: Sequence[Update], own_branch: str, default_branch: str | None = None) -> str | None:
    """Return why a push is refused and what to do instead, or None when it may go to the forge."""
    for update in updates:
        if update.ref.startswith("refs/tags/"):
            return NO_TAGS.format(own=own_branch)
        if default_branch is not None and update.ref == f"refs/heads/{default_branch}":
            return DEFAULT_BRANCH.format(branch=default_branch, own=own_branch)
        if update.ref != f"refs/heads/{own_branch}":
            return OWN_BRANCH_ONLY.format(own=own_branch)
        if update.new == NOBODY:
            return NO_DELETION.format(own=own_branch)
    return None


class Gate:
    """One session's gate, in its launch directory."""

    def __init__(
        self,
        launch: Path,
        repository: Repository,
        *,
        own_branch: str,
        default_branch: str,
        again_after: Sequence[float] = _AGAIN_AFTER,
    ) -> None:
        """`again_after`: the seconds before each repetition of a push that met a forge in trouble."""
        self.path = launch / "gate.git"
        self._programs = launch / "bin"
        self._repository = repository
        self._own = own_branch
        self._default = default_branch
        self._again_after = again_after
        self._forwarded: str | None = None

    def serve(self, branch: str) -> None:
        """Let this branch be pushed and no other from now on; the session may have been given another one."""
        if branch != self._own:
            self._own, self._forwarded = branch, None

    async def ensure(self, python: str, *, wait: float = 60.0) -> None:
        """Make or repair the gate and the shims beside it; `python` is the absolute path of the interpreter."""
        await asyncio.to_thread(self._make, python, wait)
        self._forwarded = None
        await self.refresh()

    def _make(self, python: str, wait: float) -> None:
        install_shims(self._programs, python, wait=wait)
        self._keep_inside()
        hook = f"#!/bin/sh\nexec {shim_command(self._programs, python, 'push', wait=wait)}\n"
        layout.make_gate(self.path, self._repository.path / "objects", hook, self._default)

    async def refresh(self, *, refusing: bool = False) -> None:
        """Show the agent the forge's branches as last fetched; to be called after each fetch of the repository."""
        branches = await self._repository.remote_branches()
        own = branches.get(self._own)
        under_way = not refusing and self._push_under_way()
        if not under_way and (own is None or own != self._forwarded):
            self._forwarded = None
            self._show(branches)
            return
        # Its receive-pack may still be about to write this ref, and insists on the value it saw before.
        shown = self._shown().get(self._own)
        rest = {name: sha for name, sha in branches.items() if name != self._own}
        self._show(rest | ({self._own: shown} if shown else {}), keep=self._own)

    def _push_under_way(self) -> bool:
        """Tell whether a receive-pack waits for its hook, also one that began before a restart of the service.

        It keeps what it received in a directory of this name until it has written the ref.
        """
        oldest = time.time() - _ABANDONED_AFTER
        with os.scandir(self.path / "objects") as entries:
            waiting = [entry for entry in entries if entry.name.startswith("tmp_objdir-")]
        with contextlib.suppress(FileNotFoundError):
            return any(entry.stat().st_mtime > oldest for entry in waiting)
        return False

    async def freshen(self) -> None:
        """Fetch from the forge and show the agent what is there now, because it fetches."""
        await self._repository.fetch()
        await self.refresh()

    async def receive(self, request: PushRequest, remote: Remote) -> Answer:
        """Judge a push and forward it; the same request again, also after a crash, ends the same."""
        refusal = judge_update(request.updates, self._own, self._default)
        if refusal is not None:
            return Answer.refused(refusal)
        update, env = request.updates[0], self._seeing(request.quarantine)
        leak = await find_secret(self._repository, update.new, env=env)
        if leak is not None:
            return Answer.refused(LEAK.format(place=leak))
        return await self.forward(update, request.quarantine, remote)

    async def forward(self, update: Update, quarantine: str | None, remote: Remote) -> Answer:
        """Push one judged update to the forge, on condition that the forge is where the agent believes it to be."""
        ended = await self._push(update, quarantine, remote)
        for pause in self._again_after:  # the answer may be all that was lost: what is there already is no change
            if ended.code == 0 or not isinstance(failure(("push",), ended, remote), ForgeBusy):
                break
            await asyncio.sleep(pause)
            ended = await self._push(update, quarantine, remote)
        if ended.code != 0:
            return await self._not_forwarded(ended, remote)
        self._forwarded = update.new
        await self._remember(update.new)
        return Answer.done(PUSHED.format(branch=self._own, sha=update.new[:12], url=self._repository.url))

    async def _push(self, update: Update, quarantine: str | None, remote: Remote) -> Ended:
        lease = f"--force-with-lease={update.ref}:{'' if update.old == NOBODY else update.old}"
        return await self._repository.git.attempt(
            "push", "--porcelain", "--no-verify", "--no-recurse-submodules", lease,
            "--", remote.url, f"{update.new}:{update.ref}",
            git_dir=self._repository.control, remote=remote, env=self._seeing(quarantine), deadline=300.0,
        )  # fmt: skip

    async def _not_forwarded(self, ended: Ended, remote: Remote) -> Answer:
        problem = failure(("push",), ended, remote)
        if isinstance(problem, ForgeBusy):
            return Answer.refused(UNREACHABLE)
        if "(stale info)" in ended.out:
            await self._repository.fetch()
            await self.refresh(refusing=True)
            return Answer.refused(OUTDATED.format(branch=self._own))
        log.info("the forge refused a push", extra={"gate": str(self.path)})
        return Answer.refused(REFUSED.format(said=_forge_words(ended)[:_LONGEST_REFUSAL]))

    async def _remember(self, sha: str) -> None:
        """Note the forge's new value; impossible while the commit is only in the gate, then the next fetch does it."""
        try:
            await self._repository.run("update-ref", f"refs/remotes/origin/{self._own}", sha)
        except GitFailed:
            log.debug("a pushed commit is not in the shared repository yet", extra={"gate": str(self.path)})

    def _seeing(self, quarantine: str | None) -> dict[str, str]:
        """Return what lets git see commits that are only in the gate, also those of a push not yet accepted."""
        objects = (self.path / "objects").resolve()
        places = [objects]
        if quarantine is not None:
            inside = Path(quarantine).resolve()
            if inside.parent != objects or not inside.name.startswith("tmp_objdir-"):
                raise GitFailed("the gate's quarantine is not where git makes it")
            places.insert(0, inside)
        return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": ":".join(map(str, places))}

    def _keep_inside(self) -> None:
        """Put directories in place of links that an agent has made of them, which would lead our writing elsewhere."""
        if disk.is_own_directory(self.path):
            for name in _PARTS:
                disk.make_own_directory(self.path / name)
        elif os.path.lexists(self.path):
            self.path.unlink()

    def _shown(self) -> dict[str, str]:
        lines = (disk.read(self.path / "packed-refs") or "").splitlines()
        pairs = (line.split(" refs/heads/", 1) for line in lines if " refs/heads/" in line)
        return {name: sha for sha, name in pairs}

    def _show(self, branches: dict[str, str], keep: str | None = None) -> None:
        """Write the refs in one step, then drop the single files that would hide them."""
        self._keep_inside()
        lines = [f"{branches[name]} refs/heads/{name}\n" for name in sorted(branches, key=str.encode)]
        disk.write(self.path / "packed-refs", _BEFORE + "".join(lines))
        heads = self.path / "refs/heads"
        for file in heads.rglob("*"):
            name = str(file.relative_to(heads))
            if name != keep and file.is_file() and (disk.read(file) or "").strip() != branches.get(name):
                file.unlink(missing_ok=True)


def _forge_words(ended: Ended) -> str:
    """Return what the forge itself said, else git's reason; progress and addresses left out."""
    said = [line.removeprefix("remote:").strip() for line in ended.err.splitlines() if line.startswith("remote:")]
    reasons = [line.split("\t")[-1] for line in ended.out.splitlines() if line.startswith("!")]
    return "\n".join(line for line in (*said, *reasons) if line) or ended.err.strip()
