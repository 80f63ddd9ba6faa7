"""Keeping what an agent leaves behind."""

import os
import shutil
import subprocess

import pytest

from runtime.preserve import has_uncommitted, preserve
from runtime.workspace import Repository
from tests.runtime.git.conftest import Agent

AT = 1_700_000_000.0
WHO = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
REF = "refs/ao/preserved/n-1/2023-11-14T22-13-20Z"


@pytest.fixture
def keep(repository: Repository, agent: Agent):
    return lambda at=AT, **more: preserve(repository, agent.worktree, "ao/n-1", "n-1", at, **more)


async def files(repository: Repository, commit: str) -> dict[str, str]:
    names = (await repository.run("ls-tree", "-r", "-z", "--name-only", commit)).split("\0")
    return {name: await repository.run("show", f"{commit}:{name}") for name in names if name}


async def test_nothing_is_kept_of_a_worktree_without_work(keep, repository, agent):
    (agent.worktree / "ignored").write_text("cache")
    assert await keep() is None
    assert not await has_uncommitted(repository, agent.worktree, "ao/n-1")
    assert await repository.run("for-each-ref", "refs/ao") == ""


async def test_uncommitted_files_are_kept_and_the_worktree_stays_as_it_is(keep, repository, agent):
    agent.git("mv", "app.py", "program.py")
    (agent.worktree / "README.md").write_text("changed")
    (agent.worktree / "new file\n.txt").write_text("untracked")
    (agent.worktree / "ignored").write_text("cache")
    before = agent.git("status", "--porcelain"), (repository.admin(agent.worktree) / "index").read_bytes()
    kept = await keep()
    assert (kept.ref, kept.uncommitted) == (REF, True)
    assert await files(repository, kept.ref) == {
        ".gitignore": "ignored\n", "README.md": "changed", "new file\n.txt": "untracked", "program.py": "print(1)\n"
    }  # fmt: skip
    assert await repository.resolve(f"{kept.ref}^") == await repository.sha_of("main")
    assert (agent.git("status", "--porcelain"), (repository.admin(agent.worktree) / "index").read_bytes()) == before
    assert await has_uncommitted(repository, agent.worktree, "ao/n-1")


async def test_what_one_agent_has_ignored_for_all_does_not_lose_the_files_of_another(keep, repository, agent):
    made_before = repository.control / "info/exclude"
    made_before.unlink(missing_ok=True)
    made_before.symlink_to(repository.path / "info/exclude")
    repository.ensure()
    (repository.path / "info/exclude").write_text("*\n")
    (agent.worktree / "new.txt").write_text("untracked")
    assert "new.txt" in await files(repository, (await keep()).sha)


async def test_the_same_work_is_kept_once(keep, repository, agent):
    (agent.worktree / "README.md").write_text("changed")
    first, again = await keep(), await keep(AT + 60)
    assert first == again
    (agent.worktree / "README.md").write_text("changed more")
    assert (await keep()).ref == f"{REF}-2"
    assert (await keep(AT + 60)).ref == f"{REF}-2"


async def test_unpushed_commits_are_kept_as_they_are(keep, agent):
    work = agent.commit("work", new__py="1\n")
    kept = await keep()
    assert (kept.ref, kept.sha, kept.uncommitted) == (REF, work, False)
    assert await keep(AT + 60) == kept


async def test_commits_that_reached_the_forge_are_not_kept(keep, repository, agent, forge):
    work = agent.commit("work", new__py="1\n")
    assert await keep(pushed_shas=[work, "0" * 40]) is None
    forge.git("fetch", "-q", str(repository.path), f"{work}:refs/heads/ao/n-1")
    await repository.fetch()
    assert await keep() is None


async def test_no_ref_that_an_agent_writes_hides_what_was_not_pushed(keep, agent):
    work = agent.commit("work", new__py="1\n")
    agent.git("update-ref", "refs/remotes/origin/zzz", work)
    assert (await keep()).sha == work


async def test_commits_are_kept_when_nobody_knows_what_the_forge_has(keep, agent, forge):
    work = agent.commit("work", new__py="1\n")
    forge.down = 503
    assert (await keep()).sha == work


async def test_work_after_a_squash_merge_is_kept(keep, repository, agent, forge):
    pushed = agent.commit("work", new__py="1\n")
    forge.commit("main", new__py="1\n")
    await repository.fetch()
    later = agent.commit("afterthought", more__py="2\n")
    assert (await keep(pushed_shas=[pushed])).sha == later


async def test_commits_on_a_branch_the_agent_made_up_are_kept_with_the_sessions(keep, repository, agent):
    own = agent.commit("on its branch", own__py="1\n")
    agent.git("switch", "-q", "--detach", "origin/main")
    other = agent.commit("elsewhere", other__py="2\n")
    kept = await keep()
    parents = (await repository.run("rev-list", "--parents", "-1", kept.sha)).split()[1:]
    assert sorted(parents) == sorted([own, other])
    assert await keep(AT + 60) == kept


@pytest.mark.parametrize("broken", ["gone", "registration", "link"])
async def test_commits_are_kept_when_the_worktree_is_broken(keep, repository, agent, place, broken):
    work = agent.commit("work", new__py="1\n")
    if broken == "registration":
        shutil.rmtree(repository.admin(agent.worktree))
        (agent.worktree / ".git").unlink()
    else:
        shutil.rmtree(agent.worktree)
    if broken == "link":
        (place / "home").mkdir()
        (place / "home/private").write_text("x")
        agent.worktree.symlink_to(place / "home")
    assert (await keep()).sha == work


async def test_repositories_inside_the_worktree_are_kept_as_files(keep, repository, agent):
    for inner in ("side", "side/deeper"):
        subprocess.run(("git", "init", "-q", str(agent.worktree / inner)), check=True)
        (agent.worktree / inner / "work.txt").write_text(inner)
    kept = await files(repository, (await keep()).sha)
    assert kept["side/work.txt"] == "side"
    assert kept["side/deeper/work.txt"] == "side/deeper"
    assert not [name for name in kept if "/.git/" in name]


async def test_odd_files_do_not_stop_the_rest_from_being_kept(keep, repository, agent):
    agent.commit("a directory", app__py="2\n")
    (agent.worktree / "app.py").unlink()
    (agent.worktree / "app.py").mkdir()
    (agent.worktree / "app.py/inside").write_text("1")
    (agent.worktree / "loop").symlink_to("loop")
    (agent.worktree / ":(top)name").write_text("2")
    (agent.worktree / b"\xff".decode(errors="surrogateescape")).write_text("3")
    os.mkfifo(agent.worktree / "pipe")
    kept = await keep()
    names = set((await repository.run("ls-tree", "-r", "-z", "--name-only", kept.sha)).split("\0")) - {""}
    assert names == {".gitignore", "README.md", "app.py/inside", "loop", ":(top)name", "\udcff"}


@pytest.mark.skipif(os.geteuid() == 0, reason="everything can be read by root")
async def test_files_that_cannot_be_read_are_named(keep, agent):
    (agent.worktree / "closed").write_text("x")
    (agent.worktree / "closed").chmod(0)
    (agent.worktree / "open").write_text("x")
    assert "closed" in (await keep()).unreadable


async def test_submodules_keep_the_commit_that_the_branch_names(keep, repository, agent, forge):
    agent.run("git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(forge.bare), "sub")
    agent.commit("a submodule")
    assert (await keep()).uncommitted is False
    (agent.worktree / "new.txt").write_text("1")
    listed = await repository.run("ls-tree", (await keep()).sha, "sub", "new.txt")
    assert [line.split()[0] for line in listed.splitlines()] == ["100644", "160000"]


@pytest.fixture
def sub(agent, forge):
    """A registered submodule, as its own remote has it."""
    agent.run("git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(forge.bare), "sub")
    agent.commit("a submodule")
    return Agent(agent.session, agent.worktree / "sub", agent.launch, agent.environment | WHO)


async def test_repository_that_was_added_as_a_link_is_kept_as_files(keep, repository, agent):
    subprocess.run(("git", "init", "-q", str(agent.worktree / "tool")), check=True)
    inner = Agent(agent.session, agent.worktree / "tool", agent.launch, agent.environment | WHO)
    inner.commit("inner", work__py="w\n")
    work = agent.commit("a tool")
    (agent.worktree / "tool/more.py").write_text("m\n")
    kept = await keep(pushed_shas=[work])
    assert kept.uncommitted
    found = await files(repository, kept.sha)
    assert (found["tool/work.py"], found["tool/more.py"]) == ("w\n", "m\n")


async def test_submodule_is_no_change_while_it_is_as_its_remote_has_it(keep, repository, agent, sub):
    assert not await has_uncommitted(repository, agent.worktree, "ao/n-1")
    (agent.worktree / "sub/ignored").write_text("cache")
    assert not await has_uncommitted(repository, agent.worktree, "ao/n-1")


@pytest.mark.parametrize("where", ["a file", "a new file", "the index", "a commit", "a linked commit", "no repository"])
async def test_work_in_a_submodule_is_kept_as_files(keep, repository, agent, sub, where):
    name = "new.py" if where == "a new file" else "app.py"
    (sub.worktree / name).write_text("work\n")
    if where == "the index":
        sub.git("add", "-A")
    elif where in ("a commit", "a linked commit"):
        sub.commit("work")
    elif where == "no repository":
        (sub.worktree / ".git").unlink()
    if where == "a linked commit":
        agent.commit("link it")
    head = agent.git("rev-parse", "HEAD")
    kept = await keep(pushed_shas=[head])
    found = await files(repository, kept.sha)
    assert (found[f"sub/{name}"], found["sub/README.md"]) == ("work\n", "Hello\n")


async def test_what_took_the_place_of_a_submodule_is_kept(keep, repository, agent, sub, place):
    shutil.rmtree(sub.worktree)
    (agent.worktree / "sub").write_text("work")
    assert (await files(repository, (await keep()).sha))["sub"] == "work"
    (place / "home/private").mkdir(parents=True)
    for leads in (str(place / "home"), "sub"):
        (agent.worktree / "sub").unlink()
        (agent.worktree / "sub").symlink_to(leads)
        assert (await files(repository, (await keep()).sha))["sub"] == leads


async def test_submodule_that_was_never_filled_is_no_change(repository, agent, sub):
    shutil.rmtree(sub.worktree)
    sub.worktree.mkdir()
    assert not await has_uncommitted(repository, agent.worktree, "ao/n-1")
