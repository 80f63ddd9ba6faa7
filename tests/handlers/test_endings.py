"""What is said about an end that nobody asked for."""

import pytest

from runtime.facts import Killed, Process, SpawnFailed, Turn
from runtime.restore import bring_back
from runtime.said import Restored


@pytest.mark.parametrize(
    ("process", "how"),
    [
        (Process(state="exited", exit_code=3), "exit code 3"),
        (Process(state="exited", signal=9), "signal 9"),
        (Process(state="exited", exit_code=0), "exit code 0"),
        (Process(state="exited"), "unknown exit code"),
        (Process(state="lost"), "its terminal is gone, no exit code"),
    ],
)
async def test_agent_that_stopped_is_announced_once_with_how_to_start_again(bot, github, process, how):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.learns(process)
    await bot.learns(process)
    [said] = bot.said
    assert said.startswith(f"The agent of `app-1` has stopped ({how}).")
    assert "take the label `agent` off" in said
    assert bot.outbox("comment")[0]["number"] == issue.number
    assert bot.live == []


async def test_end_of_a_session_on_a_pull_request_is_told_there(bot, github):
    pull = github.open_pull("feature")
    await bot.receives(github.comment(pull, "@ao finish this"))
    await bot.learns(SpawnFailed(step="workspace", error="the branch is in use"))
    assert bot.said == [
        "`app-1` could not start. Step `workspace` failed: the branch is in use\n"
        "To try again, mend that, then comment `/agent restart`."
    ]
    assert bot.outbox("comment")[0]["number"] == pull.number


async def test_second_end_after_a_restore_is_told_too(bot, github):
    session = await bot.starts()
    await bot.learns(Process(state="exited", exit_code=3))
    bot.clock.passes(1)
    await bot.store.write(lambda tx: bring_back(tx, session, by="me"))
    await bot.spawned("app-1")
    bot.clock.passes(1)
    await bot.learns(Process(state="exited", exit_code=4))
    assert [said.split(".")[0] for said in bot.said] == [
        f"The agent of `app-1` has stopped (exit code {code})" for code in (3, 4)
    ]


async def test_agent_that_is_found_alive_is_said_to_be_back_each_time(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    for _ in range(2):
        bot.clock.passes(1)
        await bot.learns(Process(state="lost"))
        bot.clock.passes(1)
        await bot.learns(Turn(state="ready"), Turn(state="active"))
    assert [said.partition(" of ")[2].partition(":")[0].split(" (")[0] for said in bot.said] == [
        "`app-1` has stopped", "`app-1` runs after all",
    ] * 2  # fmt: skip
    assert {one["number"] for one in bot.outbox("comment")} == {issue.number}


async def test_return_of_a_session_on_a_pull_request_is_told_there(bot, github):
    pull = github.open_pull("feature")
    await bot.receives(github.comment(pull, "@ao finish this"))
    await bot.spawned("app-1")
    bot.clock.passes(1)
    await bot.learns(Process(state="lost"))
    bot.clock.passes(1)
    await bot.learns(Turn(state="active"))
    assert bot.said[-1].startswith("The agent of `app-1` runs after all")
    assert bot.outbox("comment")[-1]["number"] == pull.number


async def test_agent_that_could_not_resume_is_not_announced_as_an_end(bot, github):
    session = await bot.starts()
    await bot.learns(Killed(by="me"))
    bot.clock.passes(1)
    await bot.store.write(lambda tx: bring_back(tx, session, by="me"))
    await bot.learns(Restored(by="me", how="resumed"))
    bot.clock.passes(1)
    await bot.learns(Process(state="exited", exit_code=1))
    assert bot.said == []


async def test_end_that_a_person_asked_for_needs_no_words(bot, github):
    await bot.starts()
    await bot.learns(Killed(by="maintainer"))
    await bot.learns(Process(state="exited", signal=1))
    assert bot.said == []


@pytest.mark.parametrize(("left", "words"), [((), ""), (("gate (busy)",), "Could not be undone: gate (busy).\n")])
async def test_failed_start_is_told_with_the_step_the_reason_and_what_is_left(bot, github, left, words):
    issue = github.open_issue()
    await bot.receives(github.label(issue))
    await bot.learns(SpawnFailed(step="workspace", error="no branch main", left_behind=left))
    assert bot.said == [
        f"`app-1` could not start. Step `workspace` failed: no branch main\n{words}"
        "To try again, mend that, then take the label `agent` off this issue and put it back."
    ]
    assert bot.status == ("errored", "spawn_failed")
