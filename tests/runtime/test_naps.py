"""The machine sleeps when a test says so: its wall clock goes on, the other one stands still."""

import pytest

from runtime.errors import StoreBusy
from runtime.naps import KEPT, Naps
from tests.fakes.clock import FakeClock


@pytest.fixture
def awake():
    return FakeClock(100.0)


@pytest.fixture
def woken():
    return []


@pytest.fixture
async def naps(bot, awake, woken):
    await bot.starts(turn="active")
    return Naps(bot.store, lambda: woken.append("woken"), awake=awake)


async def test_sleep_is_noticed_once(bot, naps, woken):
    bot.clock.passes(8 * 3600)
    await naps.look()
    await naps.look()
    assert woken == ["woken"]


async def test_time_that_passes_awake_is_no_sleep(bot, naps, awake, woken):
    for clock in (bot.clock, awake):
        clock.passes(8 * 3600)
    await naps.look()
    assert woken == []


@pytest.mark.parametrize("seconds", [1.5, -3600.0])
async def test_clock_that_is_put_right_or_back_is_no_sleep(bot, naps, woken, seconds):
    bot.clock.passes(seconds)
    await naps.look()
    assert woken == []


async def test_sleep_after_a_clock_was_set_back_is_noticed_too(bot, naps, woken):
    bot.clock.passes(-3600)
    await naps.look()
    bot.clock.passes(60)
    await naps.look()
    assert woken == ["woken"]


async def test_agent_at_work_before_a_sleep_is_not_taken_for_stuck_after_it(bot, naps, awake):
    for _ in range(2):
        bot.clock.passes(8 * 3600)
        await naps.look()
        bot.clock.passes(200)
        awake.passes(200)
        await naps.look()
        await bot.store.write(lambda tx: tx.touched.add("app-1"))
    assert bot.status == ("working", "task_in_progress")
    assert bot.session.recheck_at == bot.clock() + 200
    assert bot.records("fact")[-1] == "app-1: the machine has slept for 8 h"


async def test_sleep_that_cannot_be_stored_is_found_again(bot, naps, woken, monkeypatch):
    async def write(job):
        raise StoreBusy("the disk is full")

    bot.clock.passes(3600)
    with monkeypatch.context() as full, pytest.raises(StoreBusy):
        full.setattr(bot.store, "write", write)
        await naps.look()
    await naps.look()
    assert [seconds for _, seconds in bot.facts.slept.naps] == [3600.0]


async def test_only_the_last_sleeps_are_kept(bot, naps):
    for _ in range(KEPT + 1):
        bot.clock.passes(60)
        await naps.look()
    assert len(bot.facts.slept.naps) == KEPT
