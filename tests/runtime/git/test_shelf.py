"""Checkouts made ahead, and worktrees that are made of them."""

import asyncio

import pytest

from runtime import disk
from runtime.errors import GitFailed
from runtime.shelf import Shelf
from tests.runtime.git.conftest import Agent, settings_for


@pytest.fixture
def shelf(repository, place):
    return Shelf(repository, place / "trees")


async def seat(repository, place, shelf, *, session="n-1", at="main"):
    """Give an agent a worktree, as a spawn with a shelf does."""
    launch = place / "launch" / session
    launch.mkdir(parents=True, exist_ok=True)
    sha = await repository.sha_of(at)
    path = place / "trees" / session
    await repository.add_worktree(path, f"ao/{session}", sha, settings_for(launch), shelf=shelf)
    return Agent(session, path, launch, await repository.environment(settings_for(launch)))


def checkouts(repository, monkeypatch):
    """Note the commands that write files from now on."""
    ran, run = [], repository.run

    async def noting(*args, **more):
        if args[0] == "read-tree":
            ran.append(args[1:-1])
        return await run(*args, **more)

    monkeypatch.setattr(repository, "run", noting)
    return ran


def names(place):
    return sorted(path.name.partition("-")[0] for path in (place / "trees").iterdir())


async def test_taken_checkout_is_a_worktree_like_any_other(repository, place, shelf, forge, monkeypatch):
    await shelf.add(forge.sha("main"))
    ran = checkouts(repository, monkeypatch)
    agent = await seat(repository, place, shelf)
    assert ran == []
    assert agent.git("status", "--porcelain=v2", "--branch").splitlines()[:2] == [
        f"# branch.oid {forge.sha('main')}", "# branch.head ao/n-1"
    ]  # fmt: skip
    assert agent.git("status", "--porcelain", "--ignored") == ""
    assert agent.git("diff-files", "--name-only") == ""
    assert (names(place), shelf.listing()[0].commit) == (["n"], None)
    agent.git("fsck", "--no-dangling")
    agent.commit("work", new__py="1\n")
    assert await repository.resolve("refs/heads/ao/n-1") == agent.git("rev-parse", "HEAD")


async def test_checkout_of_an_older_commit_is_brought_up_to_date(repository, place, shelf, forge, monkeypatch):
    await shelf.add(forge.sha("main"))
    newer = forge.commit("main", more__py="2\n", app__py="print(2)\n")
    await repository.fetch()
    ran = checkouts(repository, monkeypatch)
    agent = await seat(repository, place, shelf)
    assert [command[:2] for command in ran] == [("-m", "-u")]
    assert (agent.git("rev-parse", "HEAD"), agent.git("status", "--porcelain")) == (newer, "")
    assert (agent.worktree / "app.py").read_text() == "print(2)\n"


async def test_each_checkout_is_handed_out_once(repository, place, shelf, forge):
    for _ in range(2):
        await shelf.add(forge.sha("main"))
    agents = await asyncio.gather(*(seat(repository, place, shelf, session=f"n-{n}") for n in range(1, 5)))
    assert [agent.git("status", "--porcelain") for agent in agents] == [""] * 4
    assert len({agent.git("rev-parse", "--git-dir") for agent in agents}) == 4
    assert names(place) == ["n"] * 4


async def test_best_fitting_one_is_taken_first(repository, shelf, forge):
    await shelf.add(forge.sha("main"))
    newer = forge.commit("main", more__py="2\n")
    await repository.fetch()
    await shelf.add(newer)
    draft = await shelf.take(newer)
    assert (draft.files / "more.py").exists()
    assert [warm.commit for warm in shelf.listing()].count(None) == 1


async def test_checkout_that_somebody_has_changed_is_not_taken(repository, place, shelf, forge, monkeypatch):
    await shelf.add(forge.sha("main"))
    [warm] = shelf.listing()
    (place / "trees" / f".warm-{warm.name}" / "app.py").write_text("mine\n")
    forge.commit("main", app__py="print(2)\n")
    await repository.fetch()
    agent = await seat(repository, place, shelf)
    assert (agent.worktree / "app.py").read_text() == "print(2)\n"
    assert agent.git("status", "--porcelain") == ""
    assert shelf.strays() == [warm.name]


async def test_renewed_checkout_is_at_the_new_commit(repository, shelf, forge):
    await shelf.add(forge.sha("main"))
    newer = forge.commit("main", more__py="2\n")
    await repository.fetch()
    [warm] = shelf.listing()
    await shelf.renew(warm, newer)
    assert shelf.listing() == [(warm.name, newer)]
    await shelf.take(newer)
    await shelf.renew(warm, newer)
    assert shelf.listing() == [(warm.name, None)]


@pytest.mark.parametrize("cut", ["checkout", "mark", "files", "index"])
async def test_what_was_cut_off_is_no_checkout_and_leaves_nothing(repository, place, shelf, forge, cut, monkeypatch):
    if cut == "checkout":

        async def killed(*_, **__):
            raise GitFailed("killed")

        with monkeypatch.context() as patch:
            patch.setattr(repository, "run", killed)
            with pytest.raises(GitFailed):
                await shelf.add(forge.sha("main"))
    else:
        await shelf.add(forge.sha("main"))
    [warm] = shelf.listing()
    files, marks = place / "trees" / f".warm-{warm.name}", repository.control / "warm" / warm.name
    if cut == "mark":
        (marks / "ready").unlink()
    elif cut == "files":
        disk.remove_tree(files)
    elif cut == "index":
        disk.remove_tree(marks)
    assert await shelf.take(forge.sha("main")) is None
    assert shelf.strays() == [warm.name]
    for _ in range(2):
        shelf.remove(warm.name)
    assert (shelf.listing(), shelf.strays(), files.exists()) == ([], [], False)


@pytest.mark.parametrize("cut", ["rename", "move"])
async def test_taking_that_was_cut_off_starts_from_nothing(repository, place, shelf, forge, cut, monkeypatch):
    await shelf.add(forge.sha("main"))

    def killed(*_):
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "move", killed) if cut == "move" else patch.setattr("pathlib.Path.rename", killed)
        with pytest.raises(OSError, match="killed"):
            await seat(repository, place, shelf)
    agent = await seat(repository, place, shelf)
    assert agent.git("status", "--porcelain") == ""
    for stray in shelf.strays():
        shelf.remove(stray)
    assert names(place) == ["n"]


async def test_index_may_come_from_another_file_system(tmp_path, quick_disk):
    source, target = quick_disk / "index", tmp_path / "index"
    source.write_bytes(b"\x00index")
    disk.move(source, target)
    assert (target.read_bytes(), source.exists()) == (b"\x00index", False)
    with pytest.raises(FileNotFoundError):
        disk.move(source, target)
