"""Refs that lead nowhere, which a power failure or an agent leaves in the repository that all sessions share."""

import os
import subprocess

import pytest

from runtime import broken_refs
from runtime.errors import GitFailed
from runtime.git import Remote
from runtime.preserve import preserve
from runtime.workspace import Repository
from tests.runtime.git.conftest import TOKEN, seat

NOWHERE = "7" * 40


def spoil(repository, ref, text):
    (repository.path / ref).parent.mkdir(parents=True, exist_ok=True)
    (repository.path / ref).write_text(text)


@pytest.mark.parametrize("text", [f"{NOWHERE}\n", "", "garbage"])
@pytest.mark.parametrize(
    "ref", ["refs/remotes/origin/zzz", "refs/remotes/origin/main", "refs/heads/zzz", "refs/tags/z"]
)
async def test_one_that_leads_nowhere_stops_no_fetch(repository, forge, agent, caplog, ref, text):
    spoil(repository, ref, text)
    moved = forge.commit("main", more__py="2\n")
    await repository.fetch()
    assert await repository.remote_branches() == {"main": moved}
    assert not (repository.path / "refs/heads/zzz").exists()
    assert await repository.resolve("refs/heads/ao/n-1")


async def test_one_that_leads_nowhere_keeps_no_work_from_being_kept(repository, agent, caplog):
    work = agent.commit("work", new__py="1\n")
    spoil(repository, "refs/ao/preserved/n-1/x", f"{NOWHERE}\n")
    kept = await preserve(repository, agent.worktree, "ao/n-1", "n-1", 0.0)
    assert kept and kept.sha == work
    dropped = [(record.ref, record.commit) for record in caplog.records]
    assert dropped == [("refs/ao/preserved/n-1/x", NOWHERE)]


async def test_base_that_was_dropped_is_known_from_the_last_fetch(repository, forge):
    await repository.fetch()
    spoil(repository, "refs/remotes/origin/main", f"{NOWHERE}\n")
    with pytest.raises(GitFailed):
        await repository.run("read-tree", NOWHERE, env={"GIT_INDEX_FILE": str(repository.control / "index.test")})
    assert await repository.sha_of("main") == forge.sha("main")


async def test_what_is_no_file_is_dropped_and_nothing_that_a_link_leads_to(repository, place):
    outside = place / "outside"
    outside.mkdir()
    (outside / "torn").write_text("mine")
    tracking = repository.path / "refs/remotes/origin"
    tracking.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tracking / "pipe")
    (tracking / "link").symlink_to(outside / "torn")
    (tracking / "elsewhere").symlink_to(outside)
    assert await broken_refs.drop(repository.git, repository.path, repository.control)
    assert not (tracking / "pipe").exists() and not (tracking / "link").is_symlink()
    assert (outside / "torn").read_text() == "mine"
    assert not await broken_refs.drop(repository.git, repository.path, repository.control)


async def test_branches_stay_when_no_object_can_be_read(repository, agent):
    (repository.path / "objects").rename(repository.path / "away")
    (repository.path / "objects").mkdir()
    await broken_refs.drop(repository.git, repository.path, repository.control)
    (repository.path / "objects").rmdir()
    (repository.path / "away").rename(repository.path / "objects")
    assert await repository.resolve("refs/heads/ao/n-1")


async def test_nothing_of_a_persons_own_clone_is_dropped(place, forge, git):
    clone = place / "clone"
    subprocess.run(("git", "clone", "-q", str(forge.bare), str(clone)), check=True, capture_output=True)

    async def remote() -> Remote:
        return Remote.with_token(forge.url, TOKEN)

    theirs = Repository.of_clone(clone, git, remote, url=forge.url, control=place / "n.control")
    await theirs.fetch()
    agent = await seat(theirs, place)
    spoil(theirs, "refs/heads/zzz", f"{NOWHERE}\n")
    forge.commit("main", more__py="2\n")
    with pytest.raises(GitFailed):
        await theirs.fetch()
    assert (theirs.path / "refs/heads/zzz").read_text() == f"{NOWHERE}\n"
    assert await preserve(theirs, agent.worktree, "ao/n-1", "n-1", 0.0) is None
