"""Sessions on branches that others have begun."""

from types import SimpleNamespace

import pytest

from runtime.errors import GitFailed
from runtime.git import Remote
from runtime.store import sessions
from runtime.workspace import Repository
from runtime.workspaces import Workspaces
from tests.fakes.bot import a_project
from tests.fakes.hands import nothing_beside
from tests.fakes.sessions import session
from tests.runtime.git.conftest import SHOWN_URL, TOKEN

BRANCH = "feat/greet"


@pytest.fixture
def workspaces(repository, place, bot):
    made = Workspaces(place, repository.git, bot.forge, bot.store, {"app": a_project()}, spawns_at_once=2)
    made.repositories.known["app"] = repository
    return made


def claimed(**changed):
    return session(**{"branch": BRANCH, "issue": None, **changed})


async def opened(workspaces, who=None):
    who = who or claimed()
    base, _, _ = await workspaces.open(who, workspaces.root / "launch" / who.id / "gate.git", beside=nothing_beside)
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


async def test_branch_without_room_here_is_known_before_anything_is_made(workspaces, repository):
    await opened(workspaces)
    told = f"beside the branch {BRANCH} in {repository.path}: rename that one or delete it"
    for branch in ("feat", f"{BRANCH}/more"):
        assert told in await workspaces.no_room(a_project(), branch, is_there=True)
    for branch in (BRANCH, "feat/greeting", "fea"):
        assert await workspaces.no_room(a_project(), branch, is_there=True) is None


async def test_branch_without_room_on_the_forge_is_known_without_a_fetch(workspaces, forge):
    for branch in ("topic/a/b", "topics"):
        forge.commit(branch, onto=forge.sha("main"), a__py="1\n")
    for branch, other in (("topic", "topic/a/b"), ("topic/a", "topic/a/b"), ("main/x/y", "main")):
        told = await workspaces.no_room(a_project(), branch, is_there=False)
        assert f"no room for {branch} beside the branch {other}, which the forge has: name another" in told
    for branch in ("topic/a/b", "topic/b", "topics-2", "x/main"):
        assert await workspaces.no_room(a_project(), branch, is_there=False) is None


async def test_repository_that_is_not_there_yet_is_not_made_to_look_for_room(workspaces, place, git, forge):
    async def remote():
        return Remote.with_token(forge.url, TOKEN)

    workspaces.repositories.known["app"] = Repository(place / "repos/new.git", git, remote, url=SHOWN_URL)
    assert "beside the branch main" in await workspaces.no_room(a_project(), "main/x", is_there=False)
    assert not (place / "repos/new.git").exists()


async def test_start_on_a_branch_without_room_says_what_is_in_the_way(workspaces, repository):
    await opened(workspaces)
    with pytest.raises(GitFailed, match=f"no room for feat beside the branch {BRANCH} in .*: rename that one"):
        await opened(workspaces, claimed(id="app-2", branch="feat"))


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
