"""`kill -9` anywhere in the story changes nothing that a user can see."""

import random

import pytest

from tests.e2e.play import Ending, play, short_directory

LAST_RECORD = 96
"""A whole story writes 110 records; some fewer where status edits fall together. Every planned kill comes to pass."""

KILLS = 8

UNTOUCHED = Ending(
    sessions=1,
    pulls=1,
    status_comments=1,
    bot_comments=2,
    thread_replies=2,
    reactions=1,
    files=("README.md", "names.py"),
    messages=("task:answered", "ci:answered", "review:answered", "comment:answered"),
    dead_letters=0,
    merged=True,
)


def kill_points(seed: int) -> list[int]:
    """The records after which the service dies, spread over the story, the same for a seed."""
    chance = random.Random(seed)
    stretch = LAST_RECORD // KILLS
    return [number * stretch + chance.randrange(2, stretch) for number in range(KILLS)]


async def test_story_without_kills_ends_as_expected():
    with short_directory() as home:
        ending, deaths = await play(home, [])
    assert (ending, deaths) == (UNTOUCHED, 0)


async def test_story_with_a_persons_token_ends_the_same():
    with short_directory() as home:
        ending, _ = await play(home, [], token_mode=True)
    assert ending == UNTOUCHED


@pytest.mark.parametrize("seed", range(6))
async def test_kills_change_nothing_that_a_user_can_see(seed):
    await play_with_kills(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 126))
async def test_many_more_kills_change_nothing_either(seed):
    await play_with_kills(seed)


async def test_eight_kills_in_a_row_change_nothing_either():
    await play_through(list(range(30, 38)))


async def play_with_kills(seed):
    await play_through(kill_points(seed))


async def play_through(points):
    with short_directory() as home:
        ending, deaths = await play(home, points)
    assert ending == UNTOUCHED, f"killed after records {points}"
    assert deaths == KILLS
