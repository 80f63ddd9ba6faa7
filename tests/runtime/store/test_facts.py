"""Facts that arrive out of order."""

import itertools

import pytest

from runtime.facts import PullRequest, Pushed

OLD, NEW = "a" * 40, "b" * 40


def described(head, at=1_790_000_100.0):
    return PullRequest(
        at=at, number=2, url="u", title="t", state="open", draft=False, head_ref="ao/app-1", head_sha=head,
        base_ref="main",
    )  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations([described(OLD), described(NEW)])))
async def test_of_two_descriptions_of_one_second_the_pushed_commit_stays(bot, order):
    await bot.starts()
    await bot.learns(Pushed(at=1.0, sha=OLD), Pushed(at=2.0, sha=NEW), *order)
    assert bot.facts.pull_request.head_sha == NEW


async def test_later_description_counts_whatever_was_pushed(bot):
    await bot.starts()
    await bot.learns(Pushed(at=2.0, sha=NEW), described(NEW), described(OLD, at=1_790_000_101.0))
    assert bot.facts.pull_request.head_sha == OLD


async def test_commit_whose_push_is_not_known_yet_is_believed(bot):
    await bot.starts()
    await bot.learns(Pushed(at=1.0, sha=OLD), described(OLD), described(NEW))
    assert bot.facts.pull_request.head_sha == NEW
