"""A project has one orchestrator, however often and by however many it is asked for."""

import asyncio
import contextlib
import os
import stat

import pytest

from runtime import orchestrator, prompts
from runtime.errands import orchestrator_of
from runtime.facts import Killed, Process
from runtime.keeper import Keeper
from runtime.read_only import seal
from runtime.store import facts, orchestrators, sessions
from tests.fakes.hands import Deeds
from tests.waiting import until

NAME = "app-orchestrator"


def ensure(bot, **more):
    return bot.store.write(lambda tx: orchestrator.ensure(tx, bot.project, base="main", by="me", **more))


def relaunch(bot):
    return bot.store.write(lambda tx: orchestrator.relaunch(tx, bot.project, base="main", by="me"))


def known(bot):
    return bot.store.read(lambda sql: orchestrators.of_project(sql, "app"))


def facts_of(bot):
    return bot.store.read(lambda sql: facts.of_session(sql, NAME, 0.0))


@contextlib.asynccontextmanager
async def kept(bot, tmp_path):
    (tmp_path / "worktrees" / NAME).mkdir(parents=True, exist_ok=True)
    deeds = Deeds(bot, tmp_path)
    task = asyncio.create_task(Keeper(deeds.hands, NAME).run())
    try:
        yield deeds
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_calls_at_once_get_the_same_orchestrator(bot):
    assert sorted(await asyncio.gather(*(ensure(bot) for _ in range(5)))) == ["nothing"] * 4 + ["started"]
    [one] = bot.sessions
    assert (one.id, one.role, one.branch, one.issue) == (NAME, "orchestrator", f"orchestrator/{NAME}", None)


async def test_workers_are_numbered_as_if_there_were_no_orchestrator(bot):
    await ensure(bot)
    await bot.starts()
    assert bot.session.id == "app-1"


async def test_ended_orchestrator_comes_back_under_its_name(bot):
    await ensure(bot)
    await bot.spawned(NAME)
    await bot.learns(Process(state="exited", exit_code=1), name=NAME)
    assert not known(bot).live
    assert await ensure(bot) == "restored"
    assert known(bot).live
    assert facts_of(bot).restored.why_fresh == ""


async def test_ended_orchestrator_begins_a_new_conversation_when_asked(bot):
    await ensure(bot)
    await bot.learns(Killed(by="me"), name=NAME)
    assert await ensure(bot, fresh=True) == "restored"
    assert facts_of(bot).restored.why_fresh == orchestrator.ASKED_FOR


async def test_relaunch_replaces_the_agent_that_runs(bot, tmp_path):
    await ensure(bot)
    async with kept(bot, tmp_path) as deeds:
        await until(lambda: facts_of(bot).spawned)
        assert await relaunch(bot) == "relaunched"
        await until(lambda: facts_of(bot).restored and facts_of(bot).restored.how == "fresh")
        await until(lambda: facts_of(bot).spawned)
    assert deeds.did.count(f"new_session {NAME}") == 2
    assert f"kill_session {NAME}" in deeds.did


async def test_relaunch_starts_one_where_there_is_none(bot):
    assert await relaunch(bot) == "started"


async def test_orchestrator_gets_a_prompt_of_its_own_and_a_worktree_to_read(bot, tmp_path):
    await ensure(bot)
    deeds_place = tmp_path / "worktrees" / NAME
    deeds_place.mkdir(parents=True)
    (deeds_place / "code.py").write_text("pass\n")
    async with kept(bot, tmp_path) as deeds:
        await until(lambda: facts_of(bot).spawned)
    said = deeds.hands.place(NAME).prompt.read_text()
    assert "You coordinate the coding agents that work on octo/app" in said
    assert stat.S_IMODE((deeds_place / "code.py").stat().st_mode) & 0o222 == 0


async def test_workers_are_told_how_to_reach_the_orchestrator(bot):
    session = await bot.starts()
    assert orchestrator_of(bot.store, "app") is None
    assert "orchestrator" not in prompts.task(session, bot.project)
    await ensure(bot)
    told = prompts.task(session, bot.project, coordinator=orchestrator_of(bot.store, "app").id)
    assert f"`ao send {NAME} TEXT`" in told


async def test_changed_prefix_does_not_make_a_second_orchestrator(bot):
    await ensure(bot)
    renamed = bot.project.model_copy(update={"session_prefix": "other"})
    done = await bot.store.write(lambda tx: orchestrator.ensure(tx, renamed, base="main", by="me"))
    assert (done, len(bot.store.read(sessions.listing))) == ("nothing", 1)


def test_sealing_leaves_links_and_what_they_lead_to_alone(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "file").write_text("x")
    (tree / "link").symlink_to(outside)
    before = outside.stat().st_mode
    seal(tree)
    seal(tree)
    assert outside.stat().st_mode == before
    modes = [path.lstat().st_mode & 0o222 for path in (tree, tree / "below", tree / "below" / "file")]
    assert modes == [0, 0, 0]
    if os.geteuid():
        with pytest.raises(PermissionError):
            (tree / "below" / "file").write_text("y")
    for path in (tree, tree / "below"):
        path.chmod(0o700)
