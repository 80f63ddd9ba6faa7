"""What no session owns is listed, and left where it is."""

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.doctor_strays import NONE, leftovers
from runtime.errors import TmuxUnavailable
from runtime.facts import Cleaned
from runtime.store import facts, sessions
from runtime.store.store import Store
from runtime.tmux import Tmux
from tests.fakes.bot import a_project

GIT = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c"}


@pytest.fixture
async def data(clock):
    """A data directory with sessions app-1, which is live, and app-2, which is cleaned up."""
    with tempfile.TemporaryDirectory(prefix="ao-", dir="/tmp") as short:
        place = Path(short)
        store = Store(place / "ao.db", clock=clock)
        for issue in (1, 2):
            await store.write(lambda tx, issue=issue: claim(tx, issue))
        await store.write(lambda tx: ended(tx, "app-2"))
        for name in ("app-1", "app-2", "app-9", ".pool"):
            (place / "worktrees" / "app" / name).mkdir(parents=True)
        store.close()
        yield place


def claim(tx, issue):
    sessions.claim(
        tx, project="app", prefix="app", repo="Octo/App", issue=issue, title="t", task="t", agent="scripted",
        base="main", asked_by="maintainer",
    )  # fmt: skip


def ended(tx, name):
    sessions.change(tx, name, live=False)
    facts.learn(tx, name, Cleaned(), source="test")


def git(repository, *arguments):
    subprocess.run(["git", "--git-dir", str(repository), *arguments], check=True, env=GIT, capture_output=True)


@pytest.fixture
def repository(data):
    """The project's repository with a branch of a session that is there, of one that has ended, and of none."""
    path = data / "repos" / "octo" / "App.git"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True, env=GIT)
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    git(path, "hash-object", "-t", "tree", "-w", "/dev/null")
    commit = subprocess.run(
        ["git", "--git-dir", str(path), "commit-tree", empty, "-m", "x"], check=True, capture_output=True, text=True,
        env={**GIT, "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"},
    ).stdout.strip()  # fmt: skip
    for name in ("ao/app-1", "ao/app-2", "ao/app-9", "main"):
        git(path, "update-ref", f"refs/heads/{name}", commit)
    return path


def test_worktrees_of_sessions_that_are_gone_are_listed_and_left(data):
    [found] = leftovers(data, None)
    where = data / "worktrees" / "app"
    assert found.detail == f"2 worktrees without a session: {where}/app-2, {where}/app-9"
    assert (found.level, found.fix) == ("WARN", f"look what is in it, then: rm -r {where}/app-2")
    assert (where / "app-9").is_dir()


@pytest.mark.parametrize("packed", [False, True])
def test_branches_that_no_session_ever_had_are_listed(data, repository, packed):
    if packed:
        git(repository, "pack-refs", "--all")
    found = [one for one in leftovers(data, None) if "branch" in one.detail]
    assert [one.detail for one in found] == [f"1 branch without a session: ao/app-9 in {repository}"]
    assert found[0].fix.endswith(f"git -C {repository} branch -D ao/app-9")


async def test_terminals_of_sessions_that_are_gone_are_listed(data):
    tmux = Tmux(data / "tmux" / "s")
    for name in ("app-1", "app-7"):
        await tmux.new_session(name, cwd=data, argv=["sleep", "60"])
    try:
        found = await asyncio.to_thread(leftovers, data, None)
        assert [one.detail for one in found if "terminal" in one.detail] == ["1 terminal without a session: app-7"]
        assert set(await tmux.panes()) == {"app-1", "app-7"}
    finally:
        await tmux.kill_server()
        tmux.close()


def test_many_are_counted_and_the_first_are_named(data):
    for number in range(20, 24):
        (data / "worktrees" / "app" / f"app-{number}").mkdir()
    [found] = leftovers(data, None)
    assert found.detail.startswith("6 worktrees without a session: ")
    assert found.detail.endswith(f"{data}/worktrees/app/app-21, …")


def test_all_owned_is_said(data):
    for name in ("app-2", "app-9"):
        (data / "worktrees" / "app" / name).rmdir()
    [found] = leftovers(data, None)
    assert (found.level, found.detail) == ("PASS", NONE)


def test_data_directory_without_a_database_has_nothing(tmp_path):
    assert leftovers(tmp_path, None) == []


def test_branches_in_a_persons_own_clone_are_looked_at_too(data, repository, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repository), str(clone)], check=True, env=GIT, capture_output=True)
    git(clone / ".git", "update-ref", "refs/heads/ao/app-8", "refs/remotes/origin/main")
    project = a_project(repo="octo/app", path=clone)
    config = SimpleNamespace(projects={"app": project, "other": a_project(), "gone": a_project(path=tmp_path)})
    [found] = [one for one in leftovers(data, config) if "branch" in one.detail]
    assert found.detail == f"2 branches without a session: ao/app-9 in {repository}, ao/app-8 in {clone / '.git'}"


def test_tmux_that_does_not_answer_has_no_leftovers(data, monkeypatch):
    (data / "tmux").mkdir()
    (data / "tmux" / "s").touch()

    async def silent(self):
        raise TmuxUnavailable("no answer")

    monkeypatch.setattr(Tmux, "panes", silent)
    assert not [one for one in leftovers(data, None) if "terminal" in one.detail]
