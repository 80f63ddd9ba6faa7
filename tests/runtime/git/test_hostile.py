"""What an agent writes into a repository is data to the service's git; its credential goes to the forge only."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from runtime.errors import AoError
from runtime.gate import Gate
from runtime.gate_server import Update
from runtime.git import Remote
from runtime.preserve import has_uncommitted, preserve
from runtime.workspace import Repository
from tests.runtime.git.conftest import SECRET, TOKEN, Agent, Forge, seat, serve

PARTS = (".", "refs", "refs/heads", "objects/info", "hooks", "../bin")
HOOKS = ("post-checkout", "pre-push", "post-index-change", "reference-transaction", "pre-auto-gc", "post-commit",
         "fsmonitor-watchman", "pre-receive", "update", "post-update", "push-to-checkout", "proc-receive")  # fmt: skip


class Trap:
    """Configuration in which every setting that can run a command or redirect a connection is set."""

    def __init__(self, place: Path, forge: Forge, other: Forge) -> None:
        self.sprung = place / "sprung"
        self.other = other
        self._home = place / "evil"
        self._home.mkdir()
        self._bomb = self._home / "bomb"
        self._bomb.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.sprung}\nexec cat\n')
        self._bomb.chmod(0o755)
        self._config = self._text(forge, other)
        (self._home / "included").write_text(self._config)

    def _text(self, forge: Forge, other: Forge) -> str:
        bomb = self._bomb
        return f"""
[core]
	fsmonitor = {bomb}
	hooksPath = {self._home}/hooks
	sshCommand = {bomb}
	askPass = {bomb}
	gitProxy = {bomb}
	pager = {bomb}
	editor = {bomb}
	alternateRefsCommand = {bomb}
	attributesFile = {self._home}/attributes
[credential]
	helper = !{bomb}
[filter "evil"]
	clean = {bomb}
	smudge = {bomb}
	process = {bomb}
	required = true
[diff]
	external = {bomb}
[diff "evil"]
	textconv = {bomb}
	command = {bomb}
[merge "evil"]
	driver = {bomb}
[gpg]
	program = {bomb}
[commit]
	gpgSign = true
[url "{other.url}"]
	insteadOf = {forge.url}
	insteadOf = {forge.bare}
[http]
	proxy = {other.address}
	followRedirects = true
[uploadpack]
	packObjectsHook = {bomb}
[remote "origin"]
	url = {other.url}
	uploadpack = {bomb}
	receivepack = {bomb}
	proxy = {other.address}
[alias]
	fetch = !{bomb}
	push = !{bomb}
	read-tree = !{bomb}
[trailer "x"]
	command = {bomb}
[submodule]
	recurse = true
"""

    def set_in(self, git_dir: Path) -> None:
        """Plant hooks, attributes and configuration, directly and by inclusion, in a git directory."""
        hooks = git_dir / "hooks"
        hooks.mkdir(exist_ok=True)
        for hook in HOOKS:
            (hooks / hook).unlink(missing_ok=True)
            (hooks / hook).symlink_to(self._bomb)
        (git_dir / "info").mkdir(exist_ok=True)
        (git_dir / "info/attributes").write_text("* filter=evil diff=evil merge=evil\n")
        for name in ("config", "config.worktree"):
            with (git_dir / name).open("a") as file:
                file.write(f"{self._config}\n[include]\n\tpath = {self._home}/included\n")

    def set_everywhere(self, repository: Repository, agent: Agent) -> None:
        """Plant it in the shared repository, the worktree's registration, its `.git` file and repositories inside."""
        home = self._home / "home/.git"
        if not home.exists():
            subprocess.run(("git", "init", "-q", str(home.parent)), check=True)
            subprocess.run(("git", "init", "-q", str(agent.worktree / "inner")), check=True)
            (agent.worktree / "inner/file").write_text("x")
        for git_dir in (home, repository.path, repository.admin(agent.worktree), agent.worktree / "inner/.git"):
            self.set_in(git_dir)
        submodule = agent.worktree / "sub/.git"
        if submodule.is_dir():
            self.set_in(submodule)
        (agent.worktree / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
        (agent.worktree / ".git").write_text(f"gitdir: {home}\n")

    def repoint_back(self, repository: Repository, agent: Agent) -> None:
        (agent.worktree / ".git").write_text(f"gitdir: {repository.admin(agent.worktree)}\n")


@pytest.fixture
def other(place: Path) -> Iterator[Forge]:
    """A server that the agent would like the service to talk to."""
    forge = Forge(place / "other")
    forge.root.mkdir()
    server = serve(forge)
    yield forge
    server.shutdown()
    server.server_close()


@pytest.fixture
def trap(place: Path, forge: Forge, other: Forge, repository: Repository, agent: Agent) -> Trap:
    """An agent with work of every kind, and traps around it."""
    sub = agent.worktree / "sub"
    subprocess.run(("git", "clone", "-q", str(forge.bare), str(sub)), check=True, capture_output=True)
    agent.commit("work with a submodule", new__py="1\n")
    (agent.worktree / "README.md").write_text("changed")
    (sub / "README.md").write_text("changed in the submodule")
    return Trap(place, forge, other)


Act = Callable[[Repository, Agent, Gate, Path], Awaitable[object]]


async def _fetch(repository: Repository, agent: Agent, gate: Gate, place: Path) -> object:
    await repository.fetch()
    return await repository.sha_of("main")


async def _add(repository: Repository, agent: Agent, gate: Gate, place: Path) -> object:
    return (await seat(repository, place, "n-2")).worktree


async def _repair(repository: Repository, agent: Agent, gate: Gate, place: Path) -> object:
    (repository.admin(agent.worktree) / "index").unlink(missing_ok=True)
    return (await seat(repository, place)).worktree


async def _status(repository: Repository, agent: Agent, gate: Gate, place: Path) -> object:
    return await has_uncommitted(repository, agent.worktree, agent.branch)


async def _preserve(repository: Repository, agent: Agent, gate: Gate, place: Path) -> object:
    kept = await preserve(repository, agent.worktree, agent.branch, "n-1", 0.0)
    assert kept
    assert await repository.run("show", f"{kept.ref}:README.md") == "changed"
    assert await repository.run("show", f"{kept.ref}:inner/file") == "x"
    return kept


async def _push(repository: Repository, agent: Agent, gate: Gate, place: Path) -> object:
    tip = await repository.resolve(f"refs/heads/{agent.branch}")
    assert tip
    update = Update("0" * 40, tip, f"refs/heads/{agent.branch}")
    assert (await gate.forward(update, None, await repository.remote())).ok
    await gate.ensure("/usr/bin/python3")
    return await repository.delete_remote_branch(agent.branch, tip)


async def _remove(repository: Repository, agent: Agent, gate: Gate, place: Path) -> object:
    tip = await repository.resolve(f"refs/heads/{agent.branch}")
    await repository.remove_worktree(agent.worktree)
    await repository.delete_branch(agent.branch, tip or "")
    return not agent.worktree.exists()


@pytest.mark.parametrize("act", [_fetch, _add, _repair, _status, _preserve, _push, _remove])
async def test_nothing_planted_runs_and_no_credential_leaves(act: Act, trap, repository, agent, gate, forge, place):
    trap.set_everywhere(repository, agent)
    forge.asked.clear()
    assert await act(repository, agent, gate, place)
    assert not trap.sprung.exists(), trap.sprung.read_text()
    assert trap.other.asked == []
    assert {given for _, given in forge.asked} <= {None, f"Basic {SECRET}"}


@pytest.mark.parametrize("repointed", [True, False])
async def test_the_traps_do_spring_for_git_that_believes_them(trap, repository, agent, repointed):
    trap.set_everywhere(repository, agent)
    if not repointed:
        trap.repoint_back(repository, agent)
    agent.run("git", "status")
    assert trap.sprung.exists()


async def test_a_replaced_commit_is_not_shown_to_the_service(repository, agent):
    harmless, real = agent.git("rev-parse", "HEAD"), agent.commit("work", new__py="1\n")
    agent.git("replace", real, harmless)
    assert "new.py" in await repository.run("ls-tree", "--name-only", real)


async def test_a_redirect_is_not_followed_with_the_credential(repository, forge, other):
    forge.redirect = other.address
    with pytest.raises(AoError):
        await repository.fetch()
    assert other.asked == []


@pytest.mark.parametrize("url", ["{bare}", "file://{bare}", "ext::git %s {bare}"])
async def test_only_the_remotes_own_transport_is_allowed(git, forge, url):
    with pytest.raises(AoError, match="not allowed"):
        await git.run("ls-remote", "--", url.format(bare=forge.bare), remote=Remote(forge.url))


async def test_the_credential_is_in_no_argument_text_or_error(repository, git, forge):
    remote = Remote.with_token(f"{forge.address}/o/missing.git", TOKEN)
    with pytest.raises(AoError) as caught:
        await git.run("ls-remote", "--", remote.url, remote=remote)
    for text in (repr(remote), str(caught.value), getattr(caught.value, "stderr", "")):
        assert TOKEN not in text
        assert SECRET not in text


@pytest.mark.parametrize("part", PARTS)
async def test_link_in_the_gate_leads_nothing_of_ours_elsewhere(gate, agent, place, part):
    outside = place / "outside"
    (outside / "letters").mkdir(parents=True)
    for name in ("thesis", "HEAD", "gh", "letters/one"):
        (outside / name).write_text("precious")
    linked = Path(os.path.normpath(gate.path / part))
    shutil.rmtree(linked)
    linked.symlink_to(outside)
    with contextlib.suppress(OSError):
        await gate.refresh()
    await gate.ensure(sys.executable, wait=5)
    await gate.refresh()
    left = {str(path.relative_to(outside)): path.read_text() for path in outside.rglob("*") if path.is_file()}
    assert left == dict.fromkeys(("thesis", "HEAD", "gh", "letters/one"), "precious")
    assert agent.git("ls-remote", "origin", "main")
