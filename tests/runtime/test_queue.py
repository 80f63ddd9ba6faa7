"""Who may start now, and who is told that they wait."""

import pytest

from runtime.facts import Killed
from runtime.look import look
from runtime.project import Limits
from runtime.queue import Slots, positions, slots
from runtime.store import sessions
from tests.fakes.bot import a_project
from tests.fakes.sessions import session


def some(*names, **more):
    """Sessions in the order of their claims; the letters are the project, as in `a-1`."""
    return [session(id=name, project=name.split("-")[0], **more) for name in names]


@pytest.mark.parametrize(
    ("live", "started", "allowed", "places"),
    [
        ([], [], Slots(total=1), {}),
        (["a-1", "a-2"], [], Slots(total=2), {"a-1": 0, "a-2": 0}),
        (["a-1", "a-2", "a-3"], ["a-1"], Slots(total=1), {"a-2": 1, "a-3": 2}),
        (["a-1", "a-2", "a-3"], ["a-1"], Slots(total=2), {"a-2": 0, "a-3": 1}),
        (["a-1", "a-2", "a-3"], ["a-1", "a-2", "a-3"], Slots(total=1), {}),
        (["a-1", "a-2", "b-3"], ["a-1"], Slots(total=9, own={"a": 1}), {"a-2": 1, "b-3": 0}),
        (["a-1", "b-2", "a-3", "b-4"], [], Slots(total=2, own={"a": 5}), {"a-1": 0, "b-2": 0, "a-3": 1, "b-4": 2}),
        (["a-1", "a-2", "a-3", "b-4"], ["a-1"], Slots(total=2, own={"a": 1}), {"a-2": 1, "a-3": 2, "b-4": 0}),
    ],
)
def test_first_come_first_served_and_a_full_project_holds_up_nobody_else(live, started, allowed, places):
    assert positions(some(*live), started, allowed) == places


def test_orchestrators_take_no_slot():
    live = [*some("a-orchestrator", role="orchestrator"), *some("a-1")]
    assert positions(live, [], Slots(total=1)) == {"a-1": 0}


def test_configuration_says_how_many():
    projects = {"a": a_project(limits=Limits(sessions=4)), "b": a_project(id="b", sessions=2)}
    assert slots(projects) == Slots(total=4, own={"b": 2})
    assert slots({}).total == 0


async def test_place_is_shown_on_the_issue_and_moves_up(make_bot, github):
    bot = make_bot(a_project(limits=Limits(sessions=1)))
    issues = [github.open_issue() for _ in range(3)]
    for issue in issues:
        await bot.receives(github.label(issue))
    assert [one.queue_position for one in bot.sessions] == [0, 1, 2]
    first, second, third = (one.id for one in bot.sessions)
    before = {row.session_id: row.revision for row in bot.rows("outbox", kind="status_comment")}
    await bot.spawned(first)
    await bot.learns(Killed(by="me"), name=first)
    assert [one.queue_position for one in bot.live] == [0, 1]
    after = {row.session_id: row.revision for row in bot.rows("outbox", kind="status_comment")}
    assert (after[second], after[third]) == (before[second] + 1, before[third] + 1)
    assert bot.records("queue") == [
        f"{second}: number 1 of those that wait for a free slot",
        f"{third}: number 2 of those that wait for a free slot",
        f"{second}: has a free slot",
        f"{third}: number 1 of those that wait for a free slot",
    ]


async def test_one_that_leaves_the_queue_lets_the_others_move_up(make_bot, github):
    bot = make_bot(a_project(limits=Limits(sessions=1)))
    for _ in range(3):
        await bot.receives(github.label(github.open_issue()))
    await bot.learns(Killed(by="me", reason="cancelled"), name="app-2")
    assert [(one.id, one.queue_position) for one in bot.live] == [("app-1", 0), ("app-3", 1)]
    assert bot.store.read(lambda sql: sessions.get(sql, "app-2")).queue_position == 1


async def test_more_slots_are_given_out_at_the_next_start(make_bot, github):
    bot = make_bot(a_project(limits=Limits(sessions=1)))
    for _ in range(3):
        await bot.receives(github.label(github.open_issue()))
    bot.projects["app"] = a_project(limits=Limits(sessions=2))
    await bot.store.write(lambda tx: tx.wake("sessions"))
    assert [one.queue_position for one in bot.live] == [0, 0, 1]


async def test_message_to_one_that_waits_for_a_slot_waits_for_that_reason(make_bot, github):
    bot = make_bot(a_project(limits=Limits(sessions=1)))
    for _ in range(2):
        await bot.receives(github.label(github.open_issue()))
    first, second = (bot.store.read(lambda sql, name=one.id: look(sql, name)) for one in bot.sessions)
    assert second.why_not_type() == "the session is number 1 of those that wait for a free slot"
    assert first.why_not_type() == "the agent has not reported yet"
