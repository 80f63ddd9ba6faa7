"""The machine sleeps when a test says so: its wall clock goes on, the other one stands still."""

import pytest

from runtime.naps import Naps
from tests.fakes.clock import FakeClock


@pytest.fixture
def awake():
    return FakeClock(100.0)


@pytest.fixture
def woken():
    return []


@pytest.fixture
def naps(bot, awake, woken):
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
