"""A session's worktree comes back from its branch with the work that was kept; nothing is ever reset."""

import os
import subprocess

import pytest

from runtime.errors import WorkspaceMissing
from runtime.git import Git
from runtime.preserve import begun_at, kept_refs
from runtime.workspaces import Workspaces
from tests.fakes.bot import a_project
from tests.fakes.hands import nothing_beside
from tests.fakes.sessions import session

S1 = session(id="n-1", branch="ao/n-1", repo="o/n")


@pytest.fixture
def workspaces(bot, place, repository):
    made = Workspaces(place, Git(os.environ), bot.forge, bot.store, {"app": a_project()}, spawns_at_once=2)
    made.repositories.known["app"] = repository
    return made


async def open_(workspaces, place, one=S1):
    await workspaces.open(one, place / "launch" / one.id / "gate.git", beside=nothing_beside)
    return workspaces.worktree(one)


async def reopen(workspaces, place, one=S1, *, merged=False, pushed=False):
    gate = place / "launch" / one.id / "gate.git"
    _, replayed = await workspaces.reopen(one, gate, merged=merged, pushed=pushed)
    return replayed


async def git(workspaces, *args, one=S1):
    return (await workspaces.repository(one).run(*args)).strip()


async def commit(workspaces, worktree, text="one\n"):
    """Commit a file on the branch, as the agent would; return the commit."""
    (worktree / "app.py").write_text(text)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, "commit", "-qam", "work"], cwd=worktree, check=True)
    return await git(workspaces, "rev-parse", "refs/heads/ao/n-1")


async def status(worktree):
    ran = subprocess.run(["git", "status", "--short"], cwd=worktree, check=True, capture_output=True, text=True)
    return sorted(ran.stdout.split("\n")[:-1])


async def test_worktree_that_is_there_stays_as_it_is(workspaces, place):
    worktree = await open_(workspaces, place)
    (worktree / "draft.txt").write_text("half\n")
    assert await reopen(workspaces, place) == ""
    assert (worktree / "draft.txt").read_text() == "half\n"


async def test_work_that_was_not_committed_is_there_again_and_its_ref_goes(workspaces, place):
    worktree = await open_(workspaces, place)
    tip = await commit(workspaces, worktree)
    (worktree / "app.py").write_text("two\n")
    (worktree / "new.txt").write_text("new\n")
    (worktree / "README.md").unlink()
    ref = await workspaces.preserve(S1, [])
    await workspaces.close(S1, merged=False)
    assert not worktree.exists()
    assert await reopen(workspaces, place) == ref
    assert await git(workspaces, "rev-parse", "refs/heads/ao/n-1") == tip
    assert await status(worktree) == [" D README.md", " M app.py", "?? new.txt"]
    assert await kept_refs(workspaces.repository(S1), "n-1") == []


async def test_only_the_newest_kept_work_is_replayed(workspaces, place, bot):
    worktree = await open_(workspaces, place)
    await commit(workspaces, worktree)
    for text in ("two\n", "three\n"):
        (worktree / "app.py").write_text(text)
        bot.clock.passes(1)
        newest = await workspaces.preserve(S1, [])
    await workspaces.close(S1, merged=False)
    assert await reopen(workspaces, place) == newest
    assert (worktree / "app.py").read_text() == "three\n"
    assert len(await kept_refs(workspaces.repository(S1), "n-1")) == 1


async def test_kept_work_that_belongs_to_another_commit_stays_kept(workspaces, place):
    worktree = await open_(workspaces, place)
    await commit(workspaces, worktree)
    (worktree / "app.py").write_text("two\n")
    ref = await workspaces.preserve(S1, [])
    (worktree / "app.py").write_text("one\n")
    await commit(workspaces, worktree, "other\n")
    await workspaces.close(S1, merged=False)
    assert await reopen(workspaces, place) == ""
    assert (worktree / "app.py").read_text() == "other\n"
    assert await kept_refs(workspaces.repository(S1), "n-1") == [ref]


async def test_reopening_that_was_cut_off_may_be_repeated(workspaces, place, repository, monkeypatch):
    worktree = await open_(workspaces, place)
    await commit(workspaces, worktree)
    (worktree / "app.py").write_text("two\n")
    await workspaces.preserve(S1, [])
    await workspaces.close(S1, merged=False)

    def cut_off(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(repository), "_register", cut_off)
        await reopen(workspaces, place)
    assert await reopen(workspaces, place) != ""
    assert await status(worktree) == [" M app.py"]


async def test_branch_that_is_only_on_the_forge_is_taken_from_there(workspaces, place, forge):
    worktree = await open_(workspaces, place)
    await workspaces.close(S1, merged=False)
    pushed = forge.commit("ao/n-1", onto=forge.sha("main"), app__py="pushed\n")
    await reopen(workspaces, place, pushed=True)
    assert await git(workspaces, "rev-parse", "refs/heads/ao/n-1") == pushed
    assert (worktree / "app.py").read_text() == "pushed\n"


async def test_session_that_did_nothing_starts_from_its_base_again(workspaces, place, forge):
    await open_(workspaces, place)
    await workspaces.close(S1, merged=False)
    await reopen(workspaces, place)
    assert await git(workspaces, "rev-parse", "refs/heads/ao/n-1") == forge.sha("main")


async def test_merged_branch_starts_from_its_base_again(workspaces, place, forge):
    worktree = await open_(workspaces, place)
    await commit(workspaces, worktree)
    await workspaces.close(S1, merged=True)
    await reopen(workspaces, place, merged=True, pushed=True)
    assert await git(workspaces, "rev-parse", "refs/heads/ao/n-1") == forge.sha("main")


async def test_branch_that_is_gone_everywhere_is_missed_and_what_was_kept_is_offered(workspaces, place):
    worktree = await open_(workspaces, place)
    tip = await commit(workspaces, worktree)
    ref = await workspaces.preserve(S1, [])
    await workspaces.close(S1, merged=False)
    await git(workspaces, "update-ref", "-d", "refs/heads/ao/n-1")
    with pytest.raises(WorkspaceMissing) as missed:
        await reopen(workspaces, place)
    offer = f"git -C {workspaces.repository(S1).path} branch ao/n-1 {ref}"
    assert str(missed.value).startswith("Workspace missing: the branch ao/n-1 of n-1 is gone, here and on o/n.")
    assert offer in str(missed.value)
    await git(workspaces, *offer.split()[3:])
    await reopen(workspaces, place)
    assert await git(workspaces, "rev-parse", "refs/heads/ao/n-1") == tip


async def test_branch_that_was_pushed_and_is_gone_cannot_be_made_up(workspaces, place):
    await open_(workspaces, place)
    await workspaces.close(S1, merged=False)
    with pytest.raises(WorkspaceMissing, match="Start a new session on the issue instead"):
        await reopen(workspaces, place, pushed=True)


async def test_branch_that_held_only_files_begins_again_where_it_was(workspaces, place, forge):
    worktree, base = await open_(workspaces, place), forge.sha("main")
    (worktree / "new.txt").write_text("new\n")
    await workspaces.preserve(S1, [])
    await workspaces.close(S1, merged=False)
    forge.commit("main", onto=base, app__py="later\n")
    with pytest.raises(WorkspaceMissing):
        await reopen(workspaces, place, pushed=True)
    await reopen(workspaces, place)
    assert await git(workspaces, "rev-parse", "refs/heads/ao/n-1") == base
    assert (worktree / "new.txt").read_text() == "new\n"


async def test_branch_that_somebody_made_meanwhile_is_not_begun_again(workspaces, place, forge):
    worktree = await open_(workspaces, place)
    (worktree / "new.txt").write_text("new\n")
    await workspaces.preserve(S1, [])
    await workspaces.close(S1, merged=False)
    theirs = forge.commit("ao/n-1", onto=forge.sha("main"), app__py="pushed\n")
    assert await workspaces.tip(S1, merged=False, pushed=False) == theirs


async def test_branch_of_unpushed_commits_that_is_gone_is_not_made_up(workspaces, place):
    worktree = await open_(workspaces, place)
    await commit(workspaces, worktree)
    await workspaces.preserve(S1, [])
    await workspaces.close(S1, merged=False)
    await git(workspaces, "update-ref", "-d", "refs/heads/ao/n-1")
    with pytest.raises(WorkspaceMissing):
        await workspaces.tip(S1, merged=False, pushed=False)
    assert await begun_at(workspaces.repository(S1), "n-2") is None
