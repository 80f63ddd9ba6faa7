"""The wall clock goes back, while the service runs or while it is away."""

import pytest

from handlers.outbound import STORIES
from runtime.announce import Announcer
from runtime.facts import Process, Turn
from runtime.store import facts, messages, outbox
from runtime.store.store import Store
from tests.fakes.sessions import pull_request

BACK = 600.0


async def test_what_an_agent_says_after_the_clock_was_set_back_counts(bot, tmp_path):
    await bot.starts()
    bot.clock.passes(-BACK)
    await bot.pushes(tmp_path / "p", {"kind": "prompt", "text": "hi"})
    assert (bot.facts.turn.state, bot.status) == ("active", ("working", "task_in_progress"))
    bot.clock.passes(1)
    await bot.pushes(tmp_path / "p", {"kind": "exited", "code": "3"})
    assert bot.status == ("errored", "agent_process_exited")


async def test_it_counts_too_when_the_service_was_away_meanwhile(bot, tmp_path):
    await bot.starts()
    bot.clock.passes(-BACK)
    bot.store.close()
    bot.store = Store(bot.store.path, clock=bot.clock, judge=Announcer(bot.projects, STORIES))
    await bot.pushes(tmp_path / "p", {"kind": "waiting", "question": "Sure?"})
    assert bot.status == ("needs_input", "awaiting_user_input")


async def test_what_waits_for_a_time_is_due_again(bot):
    await bot.starts()
    add = {"kind": "person", "author": "me", "parts": {"body": "x"}}
    await bot.store.write(lambda tx: messages.add(tx, "app-1", source_key="k", **add, not_before=bot.clock() + 5))
    sends = {"key": "later", "kind": "comment", "repo": "octo/app", "payload": {}, "not_before": bot.clock() + 5}
    await bot.store.write(lambda tx: outbox.enqueue(tx, **sends))
    bot.clock.passes(-BACK)
    await bot.learns(Turn(state="ready"))
    assert {message.not_before for message in bot.messages} == {bot.clock()}
    assert [row.not_before for row in bot.rows("outbox", key="later")] == [bot.clock()]
    assert bot.session.recheck_at > bot.clock()


async def test_what_github_dates_keeps_its_time(bot):
    await bot.starts()
    theirs = pull_request(at=bot.clock() + 60)
    await bot.store.write(lambda tx: facts.learn(tx, "app-1", theirs, source="github"))
    bot.clock.passes(-BACK)
    await bot.learns(Turn(state="ready"))
    assert bot.facts.pull_request.at == theirs.at


async def test_doubt_about_a_terminal_does_not_outlast_the_time_it_is_from(bot):
    await bot.starts()
    probe = facts.KINDS["probe"](terminal="missing", process="gone", since=bot.clock(), attempts=1)
    await bot.learns(probe)
    bot.clock.passes(-BACK)
    await bot.learns(Turn(state="ready"))
    assert (bot.facts.probe, bot.status) == (None, ("working", "turn_finished"))


async def test_step_back_that_failed_to_be_stored_is_found_again(bot):
    await bot.starts()
    bot.clock.passes(-BACK)

    def breaks(tx):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await bot.store.write(breaks)
    await bot.learns(Process(state="exited", exit_code=1))
    assert bot.status == ("errored", "agent_process_exited")


async def test_clocks_that_differ_by_seconds_change_no_time(bot):
    await bot.starts()
    known = bot.facts.turn
    bot.clock.passes(-5)
    await bot.learns(pull_request())
    assert bot.facts.turn == known
