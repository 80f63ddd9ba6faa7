"""A session is ended in the repository that its worktree was made from, whatever its project has now."""

import os
import shutil
import subprocess

import pytest

from runtime.errors import UserError
from runtime.git import Git, Remote
from runtime.preserve import kept_refs
from runtime.workspaces import Workspaces
from tests.fakes.bot import a_project
from tests.fakes.hands import nothing_beside
from tests.fakes.sessions import session
from tests.runtime.git.conftest import TOKEN

S1 = session(id="n-1", branch="ao/n-1", repo="o/n")
HERE, ELSEWHERE = a_project(repo="o/n"), a_project(repo="o/other")


@pytest.fixture
def clone(place, forge):
    subprocess.run(["git", "clone", "-q", str(forge.bare), str(place / "clone")], check=True)
    return place / "clone"


@pytest.fixture
def service_with(bot, place, forge, monkeypatch):
    """Return a function that makes the workspaces of a service with this project, as after a restart."""

    async def remote(repo):
        return Remote.with_token(f"{forge.address}/{repo}.git", TOKEN)

    monkeypatch.setattr(bot.forge, "remote", remote)
    return lambda project: Workspaces(
        place, Git(os.environ), bot.forge, bot.store, {"app": project}, spawns_at_once=2
    )  # fmt: skip


async def begun(workspaces):
    """Open the session's worktree and let its agent leave a file there."""
    await workspaces.open(S1, workspaces.root / "launch" / S1.id / "gate.git", beside=nothing_beside)
    (workspaces.worktree(S1) / "half.txt").write_text("half\n")
    return workspaces.repository(S1).path


async def ended(workspaces):
    """End the session as its keeper does, and return what was kept."""
    ref = await workspaces.preserve(S1, [])
    assert await workspaces.close(S1, merged=False) == ""
    return ref


@pytest.mark.parametrize("now", ["another repository", "a clone", "none of its own any more"])
async def test_work_is_kept_in_the_repository_it_was_done_in(service_with, clone, now):
    in_clone = a_project(repo="o/n", path=clone)
    before, after = {
        "another repository": (HERE, ELSEWHERE), "a clone": (HERE, in_clone),
        "none of its own any more": (in_clone, HERE),
    }[now]  # fmt: skip
    made_from = await begun(service_with(before))
    workspaces = service_with(after)
    assert workspaces.repository(S1).path == made_from
    ref = await ended(workspaces)
    shown = subprocess.run(
        ["git", f"--git-dir={made_from}", "show", f"{ref}:half.txt"], check=True, capture_output=True, text=True
    )
    assert shown.stdout == "half\n"
    assert not workspaces.worktree(S1).exists()
    assert not list(made_from.glob("worktrees/*"))


async def test_session_goes_on_with_the_repository_it_has_begun_in(service_with, clone):
    made_from = await begun(service_with(HERE))
    workspaces = service_with(a_project(repo="o/n", path=clone))
    new = session(id="n-2", branch="ao/n-2", repo="o/n")
    assert workspaces.repository(new).path == clone / ".git"
    assert (await workspaces.repository(S1).remote()).url.endswith("/o/n.git")
    assert await kept_refs(workspaces.repository(S1), "n-1") == []
    assert workspaces.repository(S1).path == made_from


async def test_repository_that_is_gone_is_asked_for_until_it_or_the_worktree_is_dealt_with(service_with, clone, place):
    await begun(service_with(a_project(repo="o/n", path=clone)))
    workspaces, worktree = service_with(HERE), service_with(HERE).worktree(S1)
    shutil.move(clone, place / "moved")
    with pytest.raises(
        UserError, match=f"{clone}/.git, which the worktree of n-1 was made from, is gone: bring it back"
    ):
        await workspaces.preserve(S1, [])
    worktree.rename(place / "looked-at")
    assert await ended(workspaces) is None
    assert service_with(HERE).repository(S1).path == place / "repos/o/n.git"
