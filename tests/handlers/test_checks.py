"""Checks of what the agent pushed."""

import itertools

import pytest

from runtime.facts import Pushed
from runtime.inbox import ACCEPTED
from runtime.store import messages, sessions
from tests.fakes.bot import a_project
from tests.fakes.github import SHA

SHAS = [letter * 40 for letter in "bcdef"]


async def pushed(bot, sha=SHA):
    bot.clock.passes(1)
    await bot.learns(Pushed(sha=sha))


async def accept_all(bot):
    for message in bot.messages:
        await bot.store.write(lambda tx, message=message: messages.mark(tx, message, ACCEPTED, "test"))


def ci(bot):
    return [message for message in bot.messages if message.kind == "ci"]


async def test_failed_checks_of_a_commit_are_one_message_with_their_logs(bot, github):
    await bot.starts()
    await pushed(bot)
    await bot.receives(github.check("tests", "failure", log="assert 1 == 2"))
    await bot.receives(github.check("lint", "timed_out", log=""))
    await bot.receives(github.check("types", "success"))
    [message] = ci(bot)
    assert sorted(message.parts) == ["lint", "tests"]
    part = message.parts["tests"]
    assert (part["conclusion"], part["head_sha"], part["log"]) == ("failure", SHA, "assert 1 == 2")
    assert message.author == "CI"


async def test_message_waits_for_the_other_checks_until_the_suite_ends(bot, github):
    await bot.starts()
    await pushed(bot)
    await bot.receives(github.check("tests", "failure"))
    assert 55 < ci(bot)[0].not_before - bot.clock() <= 60
    await bot.receives(github.suite("failure"))
    assert ci(bot)[0].not_before == 0.0


async def test_check_that_fails_after_its_suite_goes_at_once(bot, github):
    await bot.starts()
    await pushed(bot)
    await bot.receives(github.suite("failure"))
    await bot.receives(github.check("tests", "failure"))
    assert ci(bot)[0].not_before == 0.0


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_checks_in_any_order_are_one_message_that_may_go(bot, github, order):
    await bot.starts()
    await pushed(bot)
    sent = [github.check("tests", "failure"), github.check("lint", "failure"), github.suite("failure")]
    for number in order:
        await bot.receives(sent[number])
    [message] = ci(bot)
    assert (sorted(message.parts), message.not_before) == (["lint", "tests"], 0.0)


async def test_check_that_fails_after_the_message_went_is_a_message_of_its_own(bot, github):
    await bot.starts()
    await pushed(bot)
    await bot.receives(github.check("tests", "failure"))
    await accept_all(bot)
    await bot.receives(github.check("lint", "failure"))
    assert [list(message.parts) for message in ci(bot)] == [["tests"], ["lint"]]


async def test_run_that_is_reported_twice_is_told_once(bot, github):
    await bot.starts()
    await pushed(bot)
    await bot.receives(github.check("tests", "failure", action="created", id=900))
    await accept_all(bot)
    await bot.receives(github.check("tests", "failure", id=900))
    assert len(ci(bot)) == 1


async def test_failure_of_an_older_commit_is_noted_but_not_told(bot, github):
    await bot.starts()
    await pushed(bot)
    await pushed(bot, SHAS[0])
    await bot.receives(github.push("ao/app-1", SHA))
    entry = await bot.receives(github.check("tests", "failure"))
    assert (entry.skip_reason, ci(bot)) == ("aaaaaaa is no longer the newest commit", [])
    assert [check.head_sha for check in bot.facts.checks] == [SHA]


async def test_newest_commit_is_what_people_pushed_after_the_agent(bot, github):
    await bot.starts()
    await pushed(bot)
    await bot.receives(github.pull(github.open_pull(sha=SHAS[0]), "synchronize"))
    await bot.receives(github.check("tests", "failure", SHAS[0]))
    assert [message.parts["tests"]["head_sha"] for message in ci(bot)] == [SHAS[0]]


async def test_running_and_passing_checks_are_facts_only(bot, github):
    await bot.starts()
    await pushed(bot)
    await bot.receives(github.pull(github.open_pull()))
    await bot.receives(github.check("tests", None, action="created"))
    assert (ci(bot), bot.status[0]) == ([], "pr_open")
    await bot.receives(github.check("tests", "success"))
    assert (ci(bot), bot.status[0]) == ([], "review_pending")


async def test_quick_check_whose_beginning_arrives_last_has_still_ended(bot, github):
    await bot.starts()
    await pushed(bot)
    await bot.receives(github.pull(github.open_pull()))
    begun = github.check("tests", None, action="created")
    begun.payload["check_run"]["started_at"] = "2026-11-20T10:00:00Z"
    ended = github.check("tests", "success")
    ended.payload["check_run"] |= {"started_at": "2026-11-20T10:00:00Z", "completed_at": "2026-11-20T10:00:00Z"}
    await bot.receives(ended)
    await bot.receives(begun)
    assert bot.status[0] == "review_pending"


async def test_agent_is_told_again_for_each_commit_until_it_has_failed_too_often(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    for sha in (SHA, *SHAS):
        await pushed(bot, sha)
        await bot.receives(github.check("tests", "failure", sha))
        await bot.receives(github.check("lint", "failure", sha))
        await accept_all(bot)
    assert len({message.parts["tests"]["head_sha"] for message in ci(bot) if "tests" in message.parts}) == 2
    [said] = bot.said
    assert said.startswith("CI has failed on 3 commits in a row")
    assert bot.outbox("comment")[0]["number"] == issue.number


async def test_person_who_comments_gives_the_agent_new_tries(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    for digit in "01":
        for sha in [letter * 39 + digit for letter in "abcd"]:
            await pushed(bot, sha)
            await bot.receives(github.check("tests", "failure", sha))
            await accept_all(bot)
        await bot.receives(github.comment(issue, "Look at the fixture."))
        await accept_all(bot)
    assert (len(ci(bot)), len(bot.said)) == (4, 2)


async def test_commit_that_passes_gives_the_agent_new_tries(bot, github):
    await bot.starts()
    for sha in (SHA, *SHAS):
        await pushed(bot, sha)
        await bot.receives(github.check("tests", "failure", sha))
        await bot.receives(github.suite("failure", sha))
        await accept_all(bot)
        green = sha[:39] + "0"
        await pushed(bot, green)
        await bot.receives(github.suite("success", green))
    assert (len(ci(bot)), bot.said) == (6, [])


async def test_project_may_turn_the_reaction_off(make_bot, github):
    bot = make_bot(a_project(reactions={"ci-failed": {"auto": False}}))
    await bot.starts()
    entry = await bot.receives(github.check("tests", "failure"))
    assert entry.skip_reason == "the project does not want failed checks told"
    assert (ci(bot), len(bot.facts.checks), bot.forge.asked) == ([], 1, [])


async def test_check_without_times_counts_from_now(bot, github):
    await bot.starts()
    sent = github.check("tests", "success")
    sent.payload["check_run"] |= {"started_at": None, "completed_at": None}
    await bot.receives(sent)
    assert bot.facts.checks[0].at == bot.clock()


async def test_suite_without_app_and_time_is_understood(bot, github):
    await bot.starts()
    sent = github.suite("success")
    sent.payload["check_suite"] |= {"app": None, "updated_at": None}
    await bot.receives(sent)
    assert (bot.facts.checks_done[0].app, bot.facts.checks_done[0].at) == ("", bot.clock())


async def test_project_without_retries_is_told_at_once_and_the_agent_never(make_bot, github):
    bot = make_bot(a_project(reactions={"ci-failed": {"retries": 0}}))
    await bot.starts()
    await bot.receives(github.check("tests", "failure"))
    await bot.receives(github.check("lint", "failure"))
    assert (ci(bot), len(bot.said)) == ([], 1)


async def test_session_without_an_issue_is_not_escalated(bot, github):
    await bot.store.write(
        lambda tx: sessions.claim(
            tx, project="app", prefix="app", repo="octo/app", issue=None, title="t", task="t", agent="scripted",
            base="main", asked_by="cli",
        )
    )  # fmt: skip
    for sha in (SHA, *SHAS):
        await pushed(bot, sha)
        await bot.receives(github.check("tests", "failure", sha))
        await accept_all(bot)
    assert (len(ci(bot)) < 4, bot.said) == (True, [])
