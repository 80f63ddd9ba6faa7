"""`/agent` commands."""

import pytest

from handlers.commands import HELP, find


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("/agent", "help"),
        ("/agent   ", "help"),
        ("/agent stop", "stop"),
        ("/agent STOP now, please", "stop"),
        ("Enough.\r\n/agent\tstop\r\nThanks", "stop"),
        ("please run /agent stop", None),
        ("> /agent stop", None),
        ("/agents are wonderful", None),
        ("/agent-orchestrator is neat", None),
        ("```\n/agent stop\n```", None),
        ("    /agent stop", None),
        ("", None),
    ],
)
def test_command_stands_on_a_line_of_its_own(body, word):
    assert find(body) == word


@pytest.mark.parametrize("body", ["/agent", "/agent help"])
async def test_help_is_said_where_it_was_asked(bot, github, body):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, body))
    assert (bot.said, bot.messages) == ([HELP], [])
    assert bot.outbox("comment")[0]["number"] == issue.number


async def test_status_is_told(bot, github):
    issue = github.open_issue()
    await bot.starts(issue, turn="active")
    await bot.receives(github.comment(issue, "/agent status"))
    assert bot.said == ["`app-1` is **working** (task_in_progress)."]


async def test_stop_ends_the_session_and_says_so_once(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "/agent stop", by="reviewer"))
    assert (bot.live, bot.status) == ([], ("killed", "manually_killed"))
    assert bot.facts.killed.by == "reviewer"
    assert len(bot.said) == 1
    assert bot.said[0].startswith("Stopping `app-1`.")


async def test_stop_of_an_ended_session_tells_its_status(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.close(issue))
    await bot.receives(github.comment(issue, "/agent stop"))
    assert bot.said == ["`app-1` is **cleanup** (issue_closed)."]


async def test_unknown_command_is_answered_with_help(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "/agent fly"))
    assert bot.said == [f"There is no `/agent fly` here.\n\n{HELP}"]


async def test_command_gets_a_reaction_too(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "/agent help"))
    assert [one["subject"] for one in bot.outbox("reaction")] == ["issue", "issue_comment"]
