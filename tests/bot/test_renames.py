"""A repository gets another name while sessions work on it."""

import pytest

from tests.fakes.github import REPO

NOBODYS = "no project works on this repository"


def named(sent, name, number=1):
    sent.payload["repository"] = {"id": number, "full_name": name}
    return sent


@pytest.fixture
async def issue(bot, github):
    made = github.open_issue()
    await bot.starts(made)
    return made


async def test_comment_on_a_renamed_repository_reaches_its_session(bot, github, issue, caplog):
    for text in ("Hello?", "Still there?"):
        await bot.receives(named(github.comment(issue, text), "octo/renamed"))
    assert [message.parts["body"] for message in bot.messages][-2:] == ["Hello?", "Still there?"]
    assert {row.repo for row in bot.rows("outbox")} == {REPO}
    assert caplog.messages.count("renamed: change the project's `repo`") == 1


async def test_it_is_known_again_after_a_restart(bot, github, issue):
    bot.begins_again()
    await bot.receives(named(github.comment(issue, "Hello?"), "octo/renamed"))
    assert bot.messages[-1].parts["body"] == "Hello?"


@pytest.mark.parametrize("number", [0, 2])
async def test_another_repository_is_nobodys(bot, github, issue, number):
    entry = await bot.receives(named(github.comment(issue, "Hello?"), "octo/other", number))
    assert entry.skip_reason == NOBODYS


async def test_new_repository_of_the_old_name_takes_it_over(bot, github, issue):
    await bot.receives(named(github.comment(issue, "Hello?"), REPO, 2))
    entry = await bot.receives(named(github.comment(issue, "Hello?"), "octo/renamed"))
    assert entry.skip_reason == NOBODYS
