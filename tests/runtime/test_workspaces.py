"""When a repository is fetched, and what goes with a worktree."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from runtime.errors import ForgeBusy, GitFailed, UserError
from runtime.freshness import FRESH_FOR
from runtime.git import Git
from runtime.store import numbers
from runtime.workspaces import NumberTaken, Workspaces
from tests.fakes.bot import a_project
from tests.fakes.github import REPO
from tests.fakes.hands import nothing_beside
from tests.fakes.sessions import session


class FakeRepository:
    """Notes what is asked of it."""

    def __init__(self):
        self.did, self.error, self.base, self.tip, self.open = [], None, "b" * 40, "t" * 40, 0
        self.most, self.own, self.branches = 0, "", {}
        self.control = Path("/nonexistent")

    def ensure(self):
        pass

    async def run(self, *args, **more):
        return self.own

    async def fetch(self):
        self.did.append("fetch")
        if self.error:
            raise self.error

    async def remote_branches(self):
        return self.branches

    async def sha_of(self, branch):
        return self.base

    async def resolve(self, ref):
        return self.tip

    async def add_worktree(self, path, branch, base, settings, shelf):
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        self.did.append(f"add {path.name} {settings.name} {settings.email}")

    async def environment(self, settings):
        return {"A": "B"}

    async def remove_worktree(self, path):
        self.did.append(f"remove {path.name}")

    async def delete_branch(self, branch, tip):
        self.did.append(f"delete {branch}")
        self.tip = None

    async def delete_remote_branch(self, branch, tip):
        self.did.append(f"delete remote {branch}")
        if self.error:
            raise self.error


@pytest.fixture
def repository():
    return FakeRepository()


@pytest.fixture
def workspaces(bot, tmp_path, repository):
    made = Workspaces(tmp_path, Git({}), bot.forge, bot.store, {"app": a_project()}, spawns_at_once=2)
    made.repositories.known["app"] = repository
    return made


async def spawn(workspaces, name="app-1"):
    return await workspaces.open(session(id=name), workspaces.worktree(session()), beside=nothing_beside)


async def test_worktree_starts_at_the_newest_commit_under_the_agents_name(workspaces, repository):
    assert await spawn(workspaces) == ("b" * 40, {"A": "B"}, None)
    assert repository.did == ["fetch", "add app-1 scripted (app-1) app-1@agent-orchestrator.invalid"]


async def test_something_else_is_done_while_the_files_are_written(workspaces, repository, monkeypatch):
    began, told = asyncio.Event(), asyncio.Event()

    async def add_worktree(*_args, **_more):
        began.set()
        await told.wait()

    async def beside(environment):
        assert began.is_set()
        told.set()
        return environment

    monkeypatch.setattr(repository, "add_worktree", add_worktree)
    async with asyncio.timeout(30):
        opened = await workspaces.open(session(), workspaces.worktree(session()), beside=beside)
    assert opened == ("b" * 40, {"A": "B"}, {"A": "B"})


async def test_repository_is_fetched_again_only_after_a_push_or_a_while(workspaces, repository, bot, github, clock):
    await spawn(workspaces)
    await spawn(workspaces)
    assert repository.did.count("fetch") == 1
    await bot.receives(github.push("main"))
    await spawn(workspaces)
    await spawn(workspaces)
    assert repository.did.count("fetch") == 2
    clock.passes(FRESH_FOR + 1)
    await spawn(workspaces)
    assert repository.did.count("fetch") == 3


async def test_fetch_that_failed_is_tried_again(workspaces, repository, bot):
    await spawn(workspaces)
    bot.store.topic(f"pushed:{REPO}").set()
    repository.error = ForgeBusy("no connection")
    for _ in range(2):
        with pytest.raises(ForgeBusy):
            await spawn(workspaces)
    repository.error = None
    await spawn(workspaces)
    assert repository.did.count("fetch") == 4


async def test_branch_of_its_name_that_it_did_not_push_is_not_the_sessions(workspaces, repository, bot):
    repository.branches = {"main": "b", "ao/app-1": "c", "ao/app-7": "d"}
    with pytest.raises(NumberTaken, match="octo/app has a branch ao/app-1 already"):
        await spawn(workspaces)
    assert bot.store.read(lambda sql: numbers.floor(sql, "app")) == 7
    assert not [did for did in repository.did if did.startswith("add")]
    await spawn(workspaces, "app-8")
    assert repository.did.count("fetch") == 1


@pytest.mark.parametrize(("theirs", "other"), [({"ao": "c"}, "ao"), ({"ao/app-1/more": "c"}, "ao/app-1/more")])
async def test_branch_that_leaves_no_room_on_the_forge_stops_the_start(workspaces, repository, theirs, other):
    repository.branches = theirs
    with pytest.raises(UserError, match=f"There is no room for ao/app-1 beside the branch {other} of octo/app"):
        await spawn(workspaces)
    assert not [did for did in repository.did if did.startswith("add")]


async def test_missing_base_branch_is_told_with_the_setting(workspaces, repository):
    repository.base = None
    with pytest.raises(GitFailed, match="octo/app has no branch main: set default_branch of the project"):
        await spawn(workspaces)


async def test_only_so_many_are_checked_out_at_once(workspaces, repository):
    await asyncio.gather(*(spawn(workspaces, f"app-{n}") for n in range(6)))
    assert repository.most == 2


@pytest.mark.parametrize(
    ("merged", "did"),
    [
        (False, ["remove app-1", "delete ao/app-1"]),
        (True, ["remove app-1", "delete remote ao/app-1", "delete ao/app-1"]),
    ],
)
async def test_branch_goes_with_the_worktree_and_after_a_merge_from_the_forge_too(workspaces, repository, merged, did):
    await workspaces.close(session(), merged=merged)
    assert repository.did == did
    await workspaces.close(session(), merged=merged)
    assert repository.did == [*did, "remove app-1"]


async def test_branch_with_work_on_it_stays_for_a_restore(workspaces, repository):
    repository.own = "t" * 40
    await workspaces.close(session(), merged=False)
    assert repository.did == ["remove app-1"]


async def test_worktree_outside_of_the_managed_root_is_left_alone(bot, workspaces, repository, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "app-1").mkdir(parents=True)
    (tmp_path / "worktrees").mkdir()
    (tmp_path / "worktrees/app").symlink_to(elsewhere)
    left = await workspaces.close(session(), merged=False)
    assert left.endswith(f"leads to {elsewhere}/app-1, outside of what this service manages")
    assert bot.records("left_behind") == [f"app-1: {left}"]
    assert repository.did == [] and (elsewhere / "app-1").is_dir()


async def test_link_in_the_place_of_the_worktree_goes_and_is_told(bot, workspaces, repository, tmp_path):
    workspaces.worktree(session()).parent.mkdir(parents=True)
    workspaces.worktree(session()).symlink_to(tmp_path / "moved")
    left = await workspaces.close(session(), merged=False)
    assert left.endswith(f"/app-1 leads to {tmp_path}/moved, outside of what this service manages")
    assert bot.records("left_behind") == [f"app-1: {left}"]
    assert repository.did == ["remove app-1", "delete ao/app-1"]


async def test_root_that_is_a_link_itself_is_managed(bot, tmp_path, repository):
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    made = Workspaces(tmp_path / "data", Git({}), bot.forge, bot.store, {"app": a_project()}, spawns_at_once=2)
    made.repositories.known["app"] = repository
    assert await made.close(session(), merged=False) == ""


async def test_branch_on_the_forge_is_not_forgotten_when_the_end_is_cut_off(workspaces, repository):
    repository.error = ForgeBusy("no connection")
    with pytest.raises(ForgeBusy):
        await workspaces.close(session(), merged=True)
    repository.error = None
    await workspaces.close(session(), merged=True)
    assert repository.did.count("delete remote ao/app-1") == 2


async def test_branch_that_the_forge_protects_stays_there(bot, workspaces, repository):
    repository.error = GitFailed("protected branch")
    await workspaces.close(session(), merged=True)
    assert repository.did == ["remove app-1", "delete remote ao/app-1", "delete ao/app-1"]
    told = "app-1: the merged branch ao/app-1 stays on the forge: protected branch"
    assert bot.records("left_behind") == [told]


def test_each_project_has_one_repository(bot, tmp_path):
    project = a_project()
    made = Workspaces(tmp_path, Git({}), bot.forge, bot.store, {"app": project}, spawns_at_once=2)
    assert made.repository(session()) is made.repository(session(id="app-2"))
    assert made.repository(session()).path == tmp_path / "repos/octo/app.git"
    assert made.worktree(session()) == tmp_path / "worktrees/app/app-1"


def test_clone_of_the_user_is_worked_on_where_it_is(bot, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", clone], check=True)
    made = Workspaces(tmp_path, Git({}), bot.forge, bot.store, {"app": a_project(path=clone)}, spawns_at_once=2)
    repository = made.repository(session())
    assert (repository.path, repository.control) == (clone / ".git", tmp_path / "repos/octo/app.control")
