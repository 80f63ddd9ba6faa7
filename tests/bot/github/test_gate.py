"""When an installation may be asked."""

import asyncio
from itertools import pairwise

import pytest

from bot.github.answers import Answer
from bot.github.gate import WRITES_AN_HOUR, Gate
from runtime.errors import ForgeBusy


def test_limits_in_a_row_double_the_silence_until_an_answer(time):
    gate, limit = Gate(time, time.sleep), Answer(429, {}, b"")
    assert [gate.limited(limit) for _ in range(3)] == [60.0, 120.0, 240.0]
    gate.heard(Answer(200, {}, b""))
    assert gate.limited(limit) == 60.0


async def test_writes_are_spaced_however_many_wait(time):
    gate = Gate(time, time.sleep)
    written = []

    async def write():
        await gate.turn_to_write(1.0)
        written.append(time())

    await asyncio.gather(*(write() for _ in range(5)))
    assert [b - a for a, b in pairwise(written)] == [1.0] * 4


async def test_writes_do_not_wait_for_a_time_that_the_clock_was_set_back_from(time):
    gate = Gate(time, time.sleep)
    for _ in range(WRITES_AN_HOUR):
        await gate.turn_to_write(0.001)
    time.now -= 7200
    with pytest.raises(ForgeBusy) as busy:
        await gate.turn_to_write(1.0)
    assert busy.value.after <= 3600
    one = Gate(time, time.sleep)
    await one.turn_to_write(1.0)
    time.now -= 7200
    before = time.now
    await one.turn_to_write(1.0)
    assert time.now - before == 1.0


async def test_writes_are_not_spaced_without_an_interval(time):
    gate = Gate(time, time.sleep)
    for _ in range(WRITES_AN_HOUR + 1):
        await gate.turn_to_write(0)
    assert not time.slept


async def test_the_hourly_limit_of_writes_is_kept(time):
    gate = Gate(time, time.sleep)
    for _ in range(WRITES_AN_HOUR):
        await gate.turn_to_write(1.0)
    with pytest.raises(ForgeBusy) as busy:
        await gate.turn_to_write(1.0)
    assert 3000 < busy.value.after < 3600
