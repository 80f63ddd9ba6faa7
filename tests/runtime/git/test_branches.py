"""Sessions on branches that others have begun."""

from types import SimpleNamespace

import pytest

from runtime.errors import GitFailed
from runtime.store import sessions
from runtime.workspaces import Workspaces
from tests.fakes.bot import a_project
from tests.fakes.sessions import session

BRANCH = "feat/greet"


@pytest.fixture
def workspaces(repository, place, bot):
    made = Workspaces(place, repository.git, bot.forge, bot.store, {"app": a_project()}, spawns_at_once=2)
    made._repositories["app"] = repository
    return made


def claimed(**changed):
    return session(**{"branch": BRANCH, "issue": None, **changed})


async def opened(workspaces, who=None):
    who = who or claimed()
    base, _ = await workspaces.open(who, workspaces.root / "launch" / who.id / "gate.git")
    return SimpleNamespace(base=base, files=sorted(path.name for path in workspaces.worktree(who).iterdir()))


async def test_branch_of_the_forge_is_gone_on_with_from_its_head(workspaces, forge, repository):
    head = forge.commit(BRANCH, onto=forge.sha("main"), greet__py="hello\n")
    made = await opened(workspaces)
    assert (made.base, "greet.py" in made.files) == (head, True)
    assert await repository.resolve(f"refs/heads/{BRANCH}") == head


async def test_branch_pushed_a_moment_ago_is_seen(workspaces, forge):
    await opened(workspaces, claimed(id="app-2", branch="ao/app-2"))
    head = forge.commit(BRANCH, onto=forge.sha("main"), greet__py="hello\n")
    assert (await opened(workspaces)).base == head


async def test_branch_that_is_nowhere_starts_at_the_base(workspaces, forge):
    assert (await opened(workspaces)).base == forge.sha("main")


async def test_work_that_was_not_pushed_is_gone_on_with(workspaces, forge, repository):
    head = forge.commit(BRANCH, onto=forge.sha("main"), greet__py="hello\n")
    ahead = forge.commit("ahead", onto=head, more__py="1\n")
    await repository.fetch()
    await repository.run("update-ref", f"refs/heads/{BRANCH}", ahead)
    assert (await opened(workspaces)).base == ahead
    assert await repository.resolve(f"refs/heads/{BRANCH}") == ahead


async def test_branch_that_is_behind_comes_up_to_the_forges(workspaces, forge, repository):
    behind = forge.sha("main")
    head = forge.commit(BRANCH, onto=behind, greet__py="hello\n")
    await repository.run("update-ref", f"refs/heads/{BRANCH}", behind)
    assert (await opened(workspaces)).base == head
    assert await repository.resolve(f"refs/heads/{BRANCH}") == head
    assert await repository.run("for-each-ref", "refs/ao/preserved/") == ""


async def test_branches_that_have_parted_are_never_reset(workspaces, forge, repository):
    forge.commit(BRANCH, onto=forge.sha("main"), greet__py="hello\n")
    other = forge.commit("other", onto=forge.sha("main"), greet__py="good day\n")
    await repository.fetch()
    await repository.run("update-ref", f"refs/heads/{BRANCH}", other)
    with pytest.raises(GitFailed, match="have parted"):
        await opened(workspaces)
    assert await repository.resolve(f"refs/heads/{BRANCH}") == other


async def test_pull_request_without_its_branch_starts_nothing(workspaces):
    with pytest.raises(GitFailed, match="no branch feat/greet any more, which pull request #7 is made of"):
        await opened(workspaces, claimed(pull=7))


async def test_branch_of_others_stays_on_the_forge_after_the_merge(workspaces, forge, repository):
    head = forge.commit(BRANCH, onto=forge.sha("main"), greet__py="hello\n")
    await opened(workspaces)
    await workspaces.close(claimed(), merged=True)
    assert forge.sha(BRANCH) == head
    assert await repository.resolve(f"refs/heads/{BRANCH}") is None
    assert not workspaces.worktree(claimed()).exists()


async def test_commits_that_only_we_have_keep_their_branch(workspaces, forge, repository):
    forge.commit(BRANCH, onto=forge.sha("main"), greet__py="hello\n")
    await opened(workspaces)
    ahead = forge.commit("ahead", onto=forge.sha(BRANCH), more__py="1\n")
    await repository.fetch()
    await repository.run("update-ref", f"refs/heads/{BRANCH}", ahead)
    await workspaces.close(claimed(), merged=False)
    assert await repository.resolve(f"refs/heads/{BRANCH}") == ahead


async def test_branch_in_use_is_known_by_its_place(workspaces):
    await opened(workspaces)
    assert workspaces.checked_out_in(a_project(), BRANCH) == workspaces.worktree(claimed())
    assert workspaces.checked_out_in(a_project(), "other") is None
    assert await workspaces.is_branch_name(BRANCH)
    for odd in ("a..b", "HEAD", "refs/heads/x", "@{-1}", "-x", "x" * 201):
        assert not await workspaces.is_branch_name(odd)


async def test_child_starts_from_its_parents_newest_commit(workspaces, forge, repository, bot):
    await bot.store.write(lambda tx: claim(tx))
    await opened(workspaces, session(id="app-1"))
    done = forge.commit("done", onto=forge.sha("main"), half__py="1\n")
    await repository.fetch()
    await repository.run("update-ref", "refs/heads/ao/app-1", done)
    assert (await opened(workspaces, session(id="app-2", parent="app-1"))).base == done
    assert (await opened(workspaces, session(id="app-3", parent="app-9"))).base == forge.sha("main")


def claim(tx):
    return sessions.claim(
        tx, project="app", prefix="app", repo="octo/app", issue=None, title="t", task="t", agent="scripted",
        base="main", asked_by="x",
    )  # fmt: skip
