"""Kill, cleanup and restore as the service does them, with a keeper at work."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from bot.service import Service, restores
from runtime.errors import ForgeBusy, GitFailed, UserError, WorkspaceMissing, WrongUse
from runtime.facts import Cleaned, Killed, Paused, Process, Turn
from runtime.keeper import Keeper
from runtime.store import sessions
from tests.fakes.hands import Deeds
from tests.waiting import until


@pytest.fixture
def deeds(bot, tmp_path):
    made = Deeds(bot, tmp_path)
    made.tmux.attach_command = lambda name: f"attach {name}"
    return made


@pytest.fixture
def service(bot, deeds):
    parts = SimpleNamespace(
        store=bot.store, projects=bot.projects, tmux=deeds.tmux, workspaces=deeds.workspaces, hands=deeds.hands
    )
    return Service(parts, {})


@contextlib.asynccontextmanager
async def kept(deeds, *names):
    tasks = [asyncio.create_task(Keeper(deeds.hands, name).run()) for name in names or ("app-1",)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def cleanup(service, **more):
    return await service.cleanups.cleanup(**{"project": None, "dry_run": False, "by": None, **more})


async def restore(service, name="app-1", **more):
    return await service.restores.restore(name, **{"force": False, "by": None, **more})


async def test_end_that_cannot_be_cleaned_up_says_why(bot, service, deeds, monkeypatch):
    monkeypatch.setattr("bot.service.sessions.CLEANED_WITHIN", 0.3)
    deeds.workspaces.stuck = UserError("bring the repository back")
    await bot.starts()
    async with kept(deeds):
        killed = await service.sessions.kill("app-1", reason=None, by=None)
        done = await cleanup(service)
    assert (killed.cleaned, killed.left) == (False, "bring the repository back")
    assert [(one.name, one.error) for one in done.errors] == [("app-1", "bring the repository back")]
    assert done.killed == []


async def test_session_that_is_not_cleaned_up_yet_does_not_count_as_cleaned(bot, service, monkeypatch):
    monkeypatch.setattr("bot.service.sessions.CLEANED_WITHIN", 0.01)
    await bot.starts()
    await bot.learns(Killed(by="me"))
    done = await cleanup(service)
    assert (done.killed, done.errors) == ([], [])
    assert [one.reason for one in done.skipped] == ["it is being cleared away, which takes longer"]


async def test_reason_of_a_kill_is_kept_as_evidence(bot, service, deeds):
    await bot.starts()
    async with kept(deeds):
        killed = await service.sessions.kill("app-1", reason="a duplicate", by="app-9")
    assert (killed.already_terminated, killed.cleaned) == (False, True)
    assert (bot.facts.killed.by, bot.facts.killed.why) == ("app-9", "a duplicate")
    assert "app-1: working → killed (manually_killed)" in bot.records("transition")


async def test_what_a_dead_agent_left_is_cleared_by_a_kill(bot, service, deeds):
    await bot.starts()
    await bot.learns(Process(state="exited", exit_code=1))
    async with kept(deeds):
        killed = await service.sessions.kill("app-1", reason=None, by=None)
    assert (killed.already_terminated, killed.cleaned) == (True, True)


async def test_two_kills_are_one(bot, service, deeds):
    await bot.starts()
    async with kept(deeds):
        await asyncio.gather(*(service.sessions.kill("app-1", reason=None, by=who) for who in "ab"))
    assert len([line for line in bot.records("fact") if "killed" in line]) == 1
    assert deeds.did.count("close app-1 merged=False") == 1


async def finished(bot, github):
    """Five sessions: merged, closed, issue closed, dead, at work."""
    for number in range(1, 6):
        await bot.starts(github.open_issue())
        assert bot.session.id == f"app-{number}"
    pulls = [github.open_pull(f"ao/app-{number}", str(number) * 40) for number in (1, 2)]
    for pull in pulls:
        await bot.receives(github.pull(pull))
    await bot.receives(github.merge(pulls[0]))
    pulls[1].state, pulls[1].changed_at = "closed", bot.clock.now + 50
    await bot.receives(github.pull(pulls[1], "closed"))
    await bot.learns(Killed(by="maintainer", reason="issue_closed"), name="app-3")
    await bot.learns(Process(state="lost"), name="app-4")


FIVE = [f"app-{number}" for number in range(1, 6)]


async def test_cleanup_takes_what_is_finished_and_leaves_what_works(bot, github, service, deeds):
    await finished(bot, github)
    planned = await cleanup(service, dry_run=True)
    assert (planned.dry_run, planned.killed) == (True, FIVE[:4])
    assert deeds.did == []
    async with kept(deeds, *FIVE):
        done = await cleanup(service)
    assert done.killed == FIVE[:4]
    assert [(one.name, one.reason) for one in done.skipped] == [("app-5", "at work (working)")]
    assert [one.id for one in bot.store.read(sessions.unfinished)] == ["app-5"]
    assert bot.sessions[1].announced_status == "cleanup"
    assert (await cleanup(service)).killed == []


async def test_orchestrator_is_never_cleaned_up(bot, service, deeds):
    await bot.starts()
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", role="orchestrator"))
    await bot.learns(Process(state="exited", exit_code=0))
    done = await cleanup(service)
    assert (done.killed, done.skipped[0].reason) == ([], "an orchestrator stays until a person ends it")


async def test_merged_session_whose_agent_works_is_left_to_its_grace(bot, github, service):
    await bot.starts(turn="active")
    await bot.receives(github.merge(github.open_pull()))
    assert "finishing its turn" in (await cleanup(service)).skipped[0].reason


async def test_merge_that_nobody_told_us_of_is_found(bot, github, service, deeds):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    github.merge(pull)
    assert (await cleanup(service, dry_run=True)).killed == ["app-1"]
    assert bot.session.live
    async with kept(deeds):
        assert (await cleanup(service)).killed == ["app-1"]
    assert bot.status == ("merged", "merged")


async def test_forge_that_cannot_say_leaves_the_session_at_work(bot, github, service):
    await bot.starts()
    await bot.receives(github.pull(github.open_pull()))
    bot.forge.broken = ForgeBusy("limited")
    done = await cleanup(service)
    assert (done.killed, done.errors) == ([], [])


async def test_trouble_with_one_session_does_not_keep_the_others(bot, service, deeds, monkeypatch):
    for _ in range(2):
        await bot.starts()
        await bot.learns(Process(state="lost"))
    whole = service.cleanups._end

    async def end(found, by):
        if found.session.id == "app-1":
            raise GitFailed("git is busy")
        return await whole(found, by)

    monkeypatch.setattr(service.cleanups, "_end", end)
    async with kept(deeds, "app-2"):
        done = await cleanup(service)
    assert done.killed == ["app-2"]
    assert [(one.name, one.error) for one in done.errors] == [("app-1", "git is busy")]
    assert bot.records("cleanup_failed") == ["app-1: not cleaned up: git is busy"]


async def test_cleanup_of_an_unknown_project_names_those_there_are(service):
    with pytest.raises(WrongUse, match="there are: app"):
        await cleanup(service, project="nope")


async def test_restore_waits_until_the_agent_runs_and_says_how(bot, service, deeds):
    await bot.starts()
    await bot.learns(Killed(by="me"), Cleaned())
    bot.clock.passes(1)
    asking = asyncio.create_task(restore(service, by="app-7"))
    await until(lambda: bot.session.live)
    async with kept(deeds):
        back = await asking
    assert (back.name, back.branch, back.attach_command) == ("app-1", "ao/app-1", "attach app-1")
    assert (back.resumed, back.queue_position) == (False, 0)
    assert "cannot go on with a session of its own" in back.restore_fallback_reason
    assert bot.facts.restored.by == "app-7"


async def test_live_session_cannot_be_restored(bot, service):
    await bot.starts()
    with pytest.raises(UserError, match=r"Cannot restore: app-1 is live \(working\)"):
        await restore(service)


async def test_missing_branch_is_said_before_anything_changes(bot, service, deeds):
    await bot.starts()
    await bot.learns(Killed(by="me"))
    deeds.workspaces.missing = WorkspaceMissing("Workspace missing: the branch is gone.")
    with pytest.raises(WorkspaceMissing):
        await restore(service)
    assert not bot.session.live


async def test_session_that_is_merged_while_its_branch_is_looked_for_stays_merged(bot, github, service, deeds):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    await bot.learns(Killed(by="me"))

    async def tip(session, **_):
        await bot.receives(github.merge(pull))

    deeds.workspaces.tip = tip
    with pytest.raises(UserError, match=r"pull request #2 of app-1 is merged"):
        await restore(service)
    assert not bot.session.live


async def test_restored_session_that_does_not_start_is_an_error(bot, service, deeds):
    await bot.starts()
    await bot.learns(Killed(by="me"), Cleaned())
    bot.clock.passes(1)
    deeds.workspaces.broken = GitFailed("no space left")
    asking = asyncio.create_task(restore(service))
    await until(lambda: bot.session.live)
    bot.clock.passes(1)
    async with kept(deeds):
        with pytest.raises(UserError, match=r"could not be started again\. Step workspace failed: no space left"):
            await asking


async def test_restore_does_not_wait_for_ever(bot, service, monkeypatch):
    monkeypatch.setattr(restores, "STARTED_WITHIN", 0.01)
    await bot.starts()
    await bot.learns(Killed(by="me"))
    bot.clock.passes(1)
    back = await restore(service)
    assert (back.resumed, back.restore_fallback_reason) == (False, None)


async def test_paused_session_that_was_ended_works_again(bot, service, deeds):
    await bot.starts()
    await bot.learns(Paused(paused=True, by="x"), Killed(by="me"), Cleaned())
    bot.clock.passes(1)
    asking = asyncio.create_task(restore(service))
    await until(lambda: bot.session.live)
    async with kept(deeds):
        await asking
    await bot.learns(Process(state="running", pid=1), Turn(state="active"))
    assert bot.status == ("working", "task_in_progress")
