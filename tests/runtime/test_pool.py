"""When checkouts are made ahead, and when not."""

import asyncio
import contextlib

import pytest

from runtime import pool as module
from runtime.errors import ForgeBusy
from runtime.openings import Openings
from runtime.pool import Pool
from runtime.project import Limits
from runtime.shelf import Warm
from tests.fakes.bot import a_project
from tests.waiting import until

OLD, NEW = "a" * 40, "b" * 40


class FakeShelf:
    """A shelf of names and commits."""

    def __init__(self, did):
        self.warm, self.did, self.cut = [], did, []

    def listing(self):
        return list(self.warm)

    def strays(self):
        return list(self.cut)

    async def add(self, commit):
        self.did.append(f"add {commit[0]}")
        self.warm.append(Warm(f"w{len(self.did)}", commit))

    async def renew(self, warm, commit):
        self.did.append(f"renew {warm.name} {commit[0]}")
        self.warm = [Warm(one.name, commit) if one == warm else one for one in self.warm]

    def remove(self, name):
        self.did.append(f"remove {name}")
        self.warm = [one for one in self.warm if one.name != name]
        self.cut = [one for one in self.cut if one != name]


class FakeWorkspaces:
    """One shelf for all projects; `broken` is raised when the newest commit is asked for."""

    def __init__(self, root):
        self.root, self.did, self.openings = root, [], Openings(2)
        self.here, self.commit, self.broken = FakeShelf(self.did), NEW, None
        self.tended = False

    def shelf(self, project):
        return self.here

    async def newest(self, project, base):
        self.did.append(f"newest {base}")
        if self.broken:
            raise self.broken
        return self.commit


@pytest.fixture
def workspaces(tmp_path):
    return FakeWorkspaces(tmp_path)


class WatchedPool(Pool):
    """A pool that says when it is at work."""

    async def _tend_all(self):
        self._workspaces.tended = True
        try:
            return await super()._tend_all()
        finally:
            self._workspaces.tended = False


@contextlib.asynccontextmanager
async def tending(bot, workspaces, quiet=0.001):
    workspaces.openings.stirred.set()
    task = asyncio.create_task(WatchedPool(workspaces, bot.store, bot.projects, quiet=quiet).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def works(workspaces):
    """What was done, the looks at the newest commit left out."""
    return [did for did in workspaces.did if not did.startswith("newest")]


async def idle(workspaces):
    """Let the pool come to rest; what must not stir it gets a moment to do so all the same."""
    await asyncio.sleep(0.02)
    await until(lambda: not workspaces.openings.stirred.is_set() and not workspaces.tended)


async def test_shelf_is_filled_once_the_project_has_had_a_session(make_bot, workspaces, github):
    bot = make_bot(a_project(limits=Limits(warm=2)))
    async with tending(bot, workspaces):
        await idle(workspaces)
        assert workspaces.did == []
        await bot.receives(github.label(github.open_issue()))
        async with workspaces.openings.turn():
            pass
        await until(lambda: len(works(workspaces)) == 2)
        await idle(workspaces)
    assert works(workspaces) == ["add b", "add b"]
    assert workspaces.did[0] == "newest main"


async def test_default_branch_that_moves_brings_the_checkouts_along(bot, workspaces, github):
    await bot.receives(github.label(github.open_issue()))
    workspaces.here.warm = [Warm("w1", OLD)]
    workspaces.commit = OLD
    async with tending(bot, workspaces):
        await idle(workspaces)
        assert works(workspaces) == []
        workspaces.commit = NEW
        await bot.receives(github.push("feat/x"))
        await idle(workspaces)
        assert works(workspaces) == []
        await bot.receives(github.push("main"))
        await until(lambda: works(workspaces))
        await idle(workspaces)
    assert works(workspaces) == ["renew w1 b"]


async def test_nothing_is_made_while_a_spawn_is_under_way(bot, workspaces, github):
    await bot.receives(github.label(github.open_issue()))
    async with workspaces.openings.turn(), tending(bot, workspaces):
        await asyncio.sleep(0.05)
        assert workspaces.did == []


async def test_cut_off_and_superfluous_checkouts_go(make_bot, workspaces, github):
    bot = make_bot(a_project(warm=1, limits=Limits(warm=5)))
    await bot.receives(github.label(github.open_issue()))
    workspaces.here.warm = [Warm("w1", NEW), Warm("w2", NEW), Warm("w3", None)]
    workspaces.here.cut = ["w3"]
    async with tending(bot, workspaces):
        await until(lambda: len(works(workspaces)) == 2)
        await idle(workspaces)
    assert works(workspaces) == ["remove w3", "remove w2"]


async def test_pool_of_none_makes_none_and_asks_nobody(make_bot, workspaces, github):
    bot = make_bot(a_project(limits=Limits(warm=0)))
    await bot.receives(github.label(github.open_issue()))
    workspaces.here.warm = [Warm("w1", NEW)]
    async with tending(bot, workspaces):
        await until(lambda: workspaces.did)
        await idle(workspaces)
    assert workspaces.did == ["remove w1"]


async def test_full_disk_stays_as_it_is(bot, workspaces, github, monkeypatch):
    monkeypatch.setattr(module, "ROOM", 1 << 62)
    await bot.receives(github.label(github.open_issue()))
    async with tending(bot, workspaces):
        await until(lambda: workspaces.did)
        await idle(workspaces)
    assert works(workspaces) == []


async def test_trouble_is_no_reason_to_stop_and_is_tried_again(bot, workspaces, github, monkeypatch):
    monkeypatch.setattr(module, "AGAIN", 0.01)
    await bot.receives(github.label(github.open_issue()))
    workspaces.broken = ForgeBusy("no connection")
    async with tending(bot, workspaces):
        await until(lambda: len(workspaces.did) >= 2)
        workspaces.broken = None
        await until(lambda: works(workspaces))
    assert works(workspaces)[0] == "add b"
