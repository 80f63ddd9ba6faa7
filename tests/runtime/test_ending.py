"""How a session ends."""

import pytest

from runtime.ending import FOR_EVER, end
from runtime.errors import GitFailed
from runtime.facts import Killed, Process, Turn
from runtime.look import look
from runtime.store import sessions
from tests.fakes.hands import Deeds


@pytest.fixture
def deeds(bot, tmp_path):
    return Deeds(bot, tmp_path)


async def step(bot, deeds):
    return await end(deeds.hands, bot.store.read(lambda sql: look(sql, "app-1")))


async def merged(bot, github, turn):
    await bot.starts(turn=turn)
    await bot.receives(github.merge(github.open_pull()))


async def test_merged_session_of_an_idle_agent_is_cleared_at_once(bot, github, deeds):
    await merged(bot, github, "ready")
    assert await step(bot, deeds) == 0.0
    assert deeds.did[-1] == "close app-1 merged=True"
    assert bot.facts.cleaned.preserved == ""


@pytest.mark.parametrize(("steps", "looked"), [((), 0), (("launch",), 1), (("workspace",), 1)])
async def test_work_is_looked_for_as_soon_as_there_may_be_some(bot, github, deeds, steps, looked):
    await bot.receives(github.label(github.open_issue()))
    for name in steps:
        await bot.store.write(lambda tx, name=name: sessions.step_done(tx, "app-1", name))
    await bot.learns(Killed(by="me"))
    await step(bot, deeds)
    assert deeds.did.count("preserve app-1") == looked


@pytest.mark.parametrize("turn", ["active", "waiting"])
async def test_merged_session_of_a_busy_agent_gets_its_grace(bot, github, deeds, turn):
    await merged(bot, github, turn)
    assert await step(bot, deeds) == 300.0
    bot.clock.passes(200)
    assert await step(bot, deeds) == 100.0
    assert deeds.did == []
    bot.clock.passes(100)
    assert await step(bot, deeds) == 0.0
    assert bot.facts.cleaned is not None


async def test_agent_that_ends_its_turn_ends_the_grace(bot, github, deeds):
    await merged(bot, github, "active")
    bot.clock.passes(1)
    await bot.learns(Turn(state="ready"))
    assert await step(bot, deeds) == 0.0


@pytest.mark.parametrize("process", [Process(state="exited", exit_code=1), Process(state="lost")])
async def test_what_a_dead_agent_left_stays_to_be_looked_at_but_is_kept_safe(bot, deeds, process):
    await bot.starts()
    await bot.learns(process)
    for _ in range(2):
        assert await step(bot, deeds) == FOR_EVER
    assert deeds.did == ["preserve app-1"]
    assert bot.facts.cleaned is None


@pytest.mark.parametrize("process", [Process(state="exited", exit_code=1), Process(state="lost")])
async def test_what_a_person_did_there_since_is_kept_before_it_goes(bot, deeds, process):
    await bot.starts()
    await bot.learns(process)
    await step(bot, deeds)
    deeds.workspaces.kept = "refs/ao/preserved/app-1/2"
    await bot.learns(Killed(by="me"))
    assert await step(bot, deeds) == 0.0
    assert bot.facts.cleaned.preserved == "refs/ao/preserved/app-1/2"
    assert bot.facts.cleaned.repository == str(deeds.workspaces.root / "repo.git")
    assert deeds.did.count("preserve app-1") == 2


async def test_end_that_was_cut_off_keeps_the_work_once_and_says_where(bot, deeds):
    await bot.starts()
    deeds.workspaces.kept, deeds.workspaces.stuck = "refs/ao/preserved/app-1/1", GitFailed("busy")
    await bot.learns(Killed(by="me"))
    with pytest.raises(GitFailed):
        await step(bot, deeds)
    deeds.workspaces.kept, deeds.workspaces.stuck = "", None
    await step(bot, deeds)
    assert bot.facts.cleaned.preserved == "refs/ao/preserved/app-1/1"
    assert deeds.did.count("preserve app-1") == 1


async def test_session_without_a_worktree_has_nothing_to_keep(bot, github, deeds):
    issue = github.open_issue()
    await bot.receives(github.label(issue))
    await bot.receives(github.unlabel(issue))
    assert await step(bot, deeds) == 0.0
    assert "preserve app-1" not in deeds.did
    assert bot.facts.cleaned is not None
