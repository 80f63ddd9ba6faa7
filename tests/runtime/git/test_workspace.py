"""Repositories and worktrees."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from runtime import disk, layout, workspace
from runtime.errors import ConfigError, GitFailed
from runtime.git import Remote
from runtime.preserve import preserve
from runtime.workspace import Repository
from tests.runtime.git.conftest import TOKEN, seat, settings_for


async def test_a_fetch_follows_the_remote_and_prunes_nothing_of_an_agent(repository, forge, agent):
    kept = agent.commit("work", new__py="1\n")
    await repository.run("update-ref", "refs/ao/preserved/n-1/x", kept)
    forge.commit("gone", file="1")
    await repository.fetch()
    assert await repository.sha_of("gone")
    forge.git("update-ref", "-d", "refs/heads/gone")
    moved = forge.commit("main", more__py="2\n")
    await repository.fetch()
    assert await repository.remote_branches() == {"main": moved}
    assert await repository.resolve("refs/heads/ao/n-1") == kept
    assert await repository.resolve("refs/ao/preserved/n-1/x") == kept


async def test_a_repository_is_made_once_however_often_it_is_ensured(repository, forge):
    sha = forge.sha("main")
    shutil.rmtree(repository.control)
    for _ in range(2):
        repository.ensure()
    assert await repository.sha_of("main") == sha
    assert [path.name for path in repository.path.parent.iterdir() if path.name.startswith(".")] == []


async def test_a_worktree_is_what_git_itself_would_make(repository, agent, forge):
    assert agent.git("status", "--porcelain=v2", "--branch").splitlines()[:2] == [
        f"# branch.oid {forge.sha('main')}", "# branch.head ao/n-1"
    ]  # fmt: skip
    assert agent.git("status", "--porcelain") == ""
    assert (agent.worktree / "README.md").read_text() == "Hello\n"
    assert agent.git("config", "remote.origin.url") == "https://github.example/o/n.git"
    assert agent.git("var", "GIT_AUTHOR_IDENT").startswith("codex (n-1) <n-1@example.invalid>")
    listed = agent.git("worktree", "list", "--porcelain").splitlines()
    assert {f"worktree {agent.worktree}", "branch refs/heads/ao/n-1"} <= set(listed)
    agent.git("fsck", "--no-dangling")
    agent.git("worktree", "prune")
    agent.git("switch", "-q", "-c", "main", "origin/main")


async def test_adding_a_worktree_again_leaves_the_agents_work_alone(repository, agent, place):
    agent.commit("work", new__py="1\n")
    (agent.worktree / "README.md").write_text("half a thought")
    await seat(repository, place)
    assert (agent.worktree / "README.md").read_text() == "half a thought"
    assert agent.git("status", "--porcelain") == "M README.md"


async def test_a_broken_registration_is_repaired_around_the_agents_files(repository, agent, place):
    (agent.worktree / "README.md").write_text("half a thought")
    admin = repository.admin(agent.worktree)
    for lost in (agent.worktree / ".git", *sorted(admin.iterdir()), admin):
        if lost.is_dir():
            shutil.rmtree(lost)
        else:
            lost.unlink()
        await seat(repository, place)
        assert agent.git("status", "--porcelain") == "M README.md"
        assert agent.git("branch", "--show-current") == "ao/n-1"


async def test_repository_in_the_place_of_the_registration_is_moved_aside_and_kept(repository, agent, place):
    (agent.worktree / "README.md").write_text("half a thought")
    for count in (1, 2):
        (agent.worktree / ".git").unlink()
        subprocess.run(("git", "init", "-q", str(agent.worktree)), check=True)
        (agent.worktree / ".git/work").write_text(f"{count}")
        await seat(repository, place)
        assert agent.git("branch", "--show-current") == "ao/n-1"
    kept = await preserve(repository, agent.worktree, "ao/n-1", "n-1", 0.0)
    assert kept is not None
    assert await repository.run("show", f"{kept.sha}:README.md") == "half a thought"
    names = (await repository.run("ls-tree", "-r", "--name-only", kept.sha)).splitlines()
    assert len([name for name in names if name.startswith("git-of-the-agent") and name.endswith("/work")]) == 2


async def test_link_in_the_place_of_the_registration_is_replaced(repository, agent, place):
    (place / "home").mkdir()
    (place / "home/config").write_text("mine")
    (agent.worktree / ".git").unlink()
    (agent.worktree / ".git").symlink_to(place / "home")
    await seat(repository, place)
    assert agent.git("branch", "--show-current") == "ao/n-1"
    assert (place / "home/config").read_text() == "mine"


@pytest.mark.parametrize("reached", ["new", "made"])
async def test_a_worktree_cut_off_in_the_making_is_made_again(repository, agent, place, reached):
    (repository.control / "made" / "n-1").write_text(reached)
    (repository.admin(agent.worktree) / "index").unlink()
    (agent.worktree / "README.md").write_text("Hel")
    if reached == "new":
        shutil.rmtree(agent.worktree)
    await seat(repository, place)
    assert agent.git("status", "--porcelain") == ""


async def test_a_killed_checkout_is_finished_by_the_next_one(repository, place, monkeypatch):
    real, begun = workspace.check_out, asyncio.Event()

    async def check_out(*args):
        begun.set()
        await real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(workspace, "check_out", check_out)
        adding = asyncio.create_task(seat(repository, place))
        await begun.wait()
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)
    assert list(place.glob("trees/.new-n-1.*"))
    assert not (place / "trees/n-1").exists()
    agent = await seat(repository, place)
    assert agent.git("status", "--porcelain") == ""
    assert [path.name for path in agent.worktree.parent.iterdir()] == ["n-1"]


async def test_only_a_lock_that_nobody_can_hold_any_more_is_broken(repository, forge):
    forge.commit("main", more__py="2\n")
    lock = repository.path / "refs/remotes/origin/main.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    with pytest.raises(GitFailed, match=r"main\.lock': File exists"):
        await repository.fetch()
    os.utime(lock, (1, 1))
    await repository.fetch()
    assert await repository.sha_of("main") == forge.sha("main")


async def test_a_missing_worktree_comes_back_from_its_branch(repository, agent, place):
    work = agent.commit("work", new__py="1\n")
    shutil.rmtree(agent.worktree)
    await seat(repository, place)
    assert agent.git("rev-parse", "HEAD") == work
    assert (agent.worktree / "new.py").exists()


async def test_commits_of_a_lost_session_are_kept_when_its_branch_is_taken(repository, agent, place):
    work = agent.commit("work", new__py="1\n")
    await repository.remove_worktree(agent.worktree)
    await seat(repository, place)
    assert agent.git("rev-parse", "HEAD") == await repository.sha_of("main")
    assert await repository.resolve(f"refs/ao/preserved/n-1/{work[:12]}") == work


async def test_a_directory_that_is_not_ours_is_neither_filled_nor_removed(repository, place):
    theirs = place / "trees/n-1/notes.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    with pytest.raises(GitFailed, match="was not made by this service"):
        await seat(repository, place)
    with pytest.raises(GitFailed, match="was not made by this service"):
        await repository.remove_worktree(theirs.parent)
    assert theirs.read_text() == "mine"


async def test_a_branch_checked_out_elsewhere_is_not_checked_out_twice(repository, agent, place):
    with pytest.raises(GitFailed, match=r"ao/n-1 is checked out in .*/trees/n-1"):
        await repository.add_worktree(
            place / "trees/n-2", "ao/n-1", await repository.sha_of("main"), settings_for(place)
        )


async def test_removal_takes_the_worktree_and_leaves_the_branch(repository, agent):
    work = agent.commit("work", new__py="1\n")
    locked = agent.worktree / "locked"
    locked.mkdir()
    (locked / "file").write_text("x")
    locked.chmod(0o500)
    for _ in range(2):
        await repository.remove_worktree(agent.worktree)
    assert list(agent.worktree.parent.iterdir()) == []
    assert "trees/n-1" not in await repository.run("worktree", "list")
    assert await repository.resolve("refs/heads/ao/n-1") == work


async def test_removal_does_not_follow_a_link_that_replaced_the_worktree(repository, agent, place):
    (place / "precious").mkdir()
    (place / "precious/file").write_text("x")
    shutil.rmtree(agent.worktree)
    agent.worktree.symlink_to(place / "precious")
    await repository.remove_worktree(agent.worktree)
    assert (place / "precious/file").exists()
    assert not agent.worktree.is_symlink()


async def test_a_branch_goes_only_while_it_is_where_it_was_seen(repository, agent, forge):
    seen = forge.sha("main")
    work = agent.commit("work", new__py="1\n")
    await repository.remove_worktree(agent.worktree)
    with pytest.raises(GitFailed):
        await repository.delete_branch("ao/n-1", seen)
    for _ in range(2):
        await repository.delete_branch("ao/n-1", work)
    assert await repository.resolve("refs/heads/ao/n-1") is None
    assert not (repository.path / "logs/refs/heads/ao/n-1").exists()


async def test_a_remote_branch_goes_only_while_it_is_where_it_was_seen(repository, forge):
    first = forge.commit("ao/n-1", file="1")
    second = forge.commit("ao/n-1", file="2")
    assert not await repository.delete_remote_branch("ao/n-1", first)
    assert forge.sha("ao/n-1") == second
    assert await repository.delete_remote_branch("ao/n-1", second)
    assert await repository.delete_remote_branch("ao/n-1", second)
    assert forge.sha("ao/n-1") is None


async def test_changed_shared_configuration_is_restored_and_reported(repository, agent, caplog):
    agent.git("config", "core.fsmonitor", "touch /tmp/never")
    agent.git("config", "alias.st", "status")
    repository.ensure()
    assert disk.read(repository.path / "config") == layout.shared_config(repository.url)["config"]
    assert [record.message for record in caplog.records] == ["restored the shared git configuration"]


@pytest.mark.parametrize("name", ["alternates", "http-alternates"])
async def test_objects_from_elsewhere_are_let_go_and_reported(repository, agent, place, caplog, name):
    other = place / "other"
    subprocess.run(("git", "init", "-q", str(other)), check=True)
    blob = subprocess.run(
        ("git", "hash-object", "-w", "--stdin"), cwd=other, input="theirs", capture_output=True, text=True, check=True
    ).stdout.strip()
    info = repository.path / "objects/info"
    (info / name).write_text(f"{other}/.git/objects\n")
    repository.ensure()
    assert (await repository.git.attempt("cat-file", "-e", blob, git_dir=repository.control)).code != 0
    assert [path.name for path in info.iterdir()] == []
    assert [record.message for record in caplog.records] == ["restored the shared git configuration"]


async def test_nothing_is_removed_where_a_link_leads_to(repository, place):
    theirs = place / "info"
    theirs.mkdir()
    (theirs / "alternates").write_text("mine")
    info = repository.path / "objects/info"
    shutil.rmtree(info)
    info.symlink_to(theirs)
    repository.ensure()
    assert (theirs / "alternates").read_text() == "mine"
    info.unlink()
    info.symlink_to("info")
    repository.ensure()


async def test_tracking_branches_that_git_notes_are_left_alone(repository, agent, caplog):
    agent.git("branch", "topic", "origin/main")
    repository.ensure()
    assert agent.git("rev-parse", "--abbrev-ref", "topic@{upstream}") == "origin/main"
    assert caplog.records == []


@pytest.fixture
def clone(place: Path, forge) -> Path:
    """A person's own clone, with a branch checked out and something uncommitted."""
    path = place / "clone"
    subprocess.run(("git", "clone", "-q", str(forge.bare), str(path)), check=True, capture_output=True)
    subprocess.run(("git", "config", "remote.origin.url", "git@github.example:o/n.git"), cwd=path, check=True)
    (path / "README.md").write_text("mine, not committed")
    return path


@pytest.mark.parametrize("through", ["clone", "linked worktree"])
async def test_worktrees_of_a_clone_leave_the_person_what_is_theirs(clone, place, forge, git, through):
    async def remote() -> Remote:
        return Remote.with_token(forge.url, TOKEN)

    given = clone
    if through == "linked worktree":
        given = place / "linked"
        subprocess.run(("git", "worktree", "add", "-q", "--detach", str(given)), cwd=clone, check=True)
    before = (clone / ".git/config").read_bytes(), (clone / ".git/HEAD").read_bytes()
    moved = forge.commit("main", more__py="2\n")
    repository = Repository.of_clone(
        given, git, remote, url="https://github.example/o/n.git", control=place / "n.control"
    )
    await repository.fetch()
    agent = await seat(repository, place)
    assert agent.git("rev-parse", "HEAD") == moved
    assert agent.git("config", "user.email") == "n-1@example.invalid"
    assert agent.git("remote", "get-url", "--push", "origin") == str(agent.launch / "gate.git")
    assert agent.git("remote", "get-url", "origin") == str(agent.launch / "gate.git")
    await repository.remove_worktree(agent.worktree)
    assert ((clone / ".git/config").read_bytes(), (clone / ".git/HEAD").read_bytes()) == before
    assert (clone / "README.md").read_text() == "mine, not committed"


async def test_a_clone_that_a_project_is_given_later_is_not_taken_for_the_repository_of_before(
    repository, agent, clone, place, forge, git
):
    given = Repository.of_clone(clone, git, repository.remote, url=forge.url, control=repository.control)
    await given.fetch()
    other = await seat(given, place, "n-2")
    other.commit("mine", mine__py="1\n")
    assert other.git("rev-parse", "HEAD~1") == forge.sha("main")
    again = Repository(repository.path, git, repository.remote, url=repository.url)
    await seat(again, place)
    assert again.is_complete(agent.worktree)
    agent.commit("mine", mine__py="1\n")
    assert agent.git("rev-parse", "HEAD~1") == forge.sha("main")


async def test_a_branch_that_a_person_has_checked_out_is_refused(clone, place, forge, git):
    async def remote() -> Remote:
        return Remote.with_token(forge.url, TOKEN)

    subprocess.run(("git", "switch", "-q", "-c", "ao/n-1"), cwd=clone, check=True)
    repository = Repository.of_clone(clone, git, remote, url=forge.url, control=place / "n.control")
    await repository.fetch()
    with pytest.raises(GitFailed, match="ao/n-1 is checked out in"):
        await seat(repository, place)


def test_a_path_without_a_repository_is_refused_with_the_fix(place, git):
    with pytest.raises(ConfigError, match="is not a git repository: set the project's `path`"):
        Repository.of_clone(place, git, None, url="", control=place / "n.control")
