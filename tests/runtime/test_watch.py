"""The watch believes only repeated, certain absence."""

import asyncio

import pytest

from runtime.errors import TmuxUnavailable
from runtime.store import messages
from runtime.watch import Watch
from tests.fakes.hands import Deeds, until


@pytest.fixture
def deeds(bot, tmp_path):
    return Deeds(bot, tmp_path)


async def several(bot, deeds, count):
    for _ in range(count):
        await bot.starts()
        deeds.tmux.pane(bot.session.id)


async def test_terminal_that_stays_missing_is_lost(bot, deeds):
    await several(bot, deeds, 2)
    watch = Watch(deeds.hands)
    del deeds.tmux.alive["app-2"]
    await watch.probe()
    bot.clock.passes(4.9)
    await watch.probe()
    assert len(bot.live) == 2
    bot.clock.passes(0.1)
    await watch.probe()
    assert ([one.id for one in bot.live], bot.status) == (["app-1"], ("killed", "runtime_lost"))


async def test_terminal_that_comes_back_was_never_gone(bot, deeds):
    await several(bot, deeds, 1)
    watch = Watch(deeds.hands)
    pane = deeds.tmux.alive.pop("app-1")
    await watch.probe()
    bot.clock.passes(4)
    deeds.tmux.alive["app-1"] = pane
    await watch.probe()
    del deeds.tmux.alive["app-1"]
    bot.clock.passes(4)
    await watch.probe()
    assert len(bot.live) == 1


@pytest.mark.parametrize(("all_of_them", "gone", "dead"), [(5, 5, 0), (8, 5, 0), (12, 5, 5), (4, 4, 4), (1, 1, 1)])
async def test_many_at_once_are_an_outage(bot, deeds, all_of_them, gone, dead):
    await several(bot, deeds, all_of_them)
    watch = Watch(deeds.hands, has_ended=lambda process: False)
    for name in list(deeds.tmux.alive)[:gone]:
        del deeds.tmux.alive[name]
    for _ in range(3):
        await watch.probe()
        bot.clock.passes(5)
    assert len(bot.live) == all_of_them - dead


async def test_many_whose_processes_are_gone_too_are_lost_as_after_a_restart_of_the_machine(bot, deeds):
    await several(bot, deeds, 6)
    watch = Watch(deeds.hands, has_ended=lambda process: process.pid == 1)
    deeds.tmux.alive.clear()
    await watch.probe()
    assert len(bot.live) == 6
    bot.clock.passes(5)
    await watch.probe()
    assert (bot.live, bot.status) == ([], ("killed", "runtime_lost"))


async def test_no_answer_from_tmux_concludes_nothing(bot, deeds, caplog):
    await several(bot, deeds, 1)
    deeds.tmux.alive.clear()
    deeds.tmux.broken = TmuxUnavailable("no answer")
    task = asyncio.create_task(Watch(deeds.hands).run())
    await until(lambda: sum(record.message == "tmux did not answer" for record in caplog.records) > 2)
    bot.clock.passes(60)
    task.cancel()
    assert len(bot.live) == 1


@pytest.mark.parametrize(
    ("code", "signal", "status", "evidence"),
    [(0, None, "terminated", 0), (3, None, "errored", 3), (None, 9, "errored", None)],
)
async def test_dead_pane_ends_the_session_with_its_code(bot, deeds, code, signal, status, evidence):
    await bot.starts()
    add = {"kind": "person", "author": "me", "parts": {"body": "x"}}
    await bot.store.write(lambda tx: messages.add(tx, "app-1", source_key="k", **add))
    deeds.tmux.pane("app-1", dead=True, code=code, signal=signal)
    await Watch(deeds.hands).probe()
    assert (bot.status[0], bot.facts.process.exit_code, bot.facts.process.signal) == (status, evidence, signal)
    assert [message.state for message in bot.messages] == ["failed"]


async def test_sessions_without_an_agent_are_not_looked_for(bot, github, deeds):
    await bot.receives(github.label(github.open_issue()))
    deeds.tmux.broken = AssertionError("nobody has to be asked")
    await Watch(deeds.hands).probe()
    assert len(bot.live) == 1
