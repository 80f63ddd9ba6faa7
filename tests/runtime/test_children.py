"""Children of a session: how deep they go, what their parent hears, and that they do not outlive it."""

import pytest

from runtime import children
from runtime.errors import UserError
from runtime.facts import Killed, Process, Turn
from runtime.store import messages, sessions


async def child_of(bot, parent, title="Write the tests"):
    def job(tx):
        known = sessions.get(tx.sql, parent)
        return children.start(tx, known, bot.project, title=title, task=title)

    return await bot.store.write(job)


def inbox(bot, name):
    return bot.store.read(lambda sql: messages.of_session(sql, name))


async def test_child_works_for_its_parent_with_the_same_agent_and_base(bot):
    await bot.starts()
    child = await child_of(bot, "app-1")
    assert (child.id, child.parent, child.issue, child.asked_by) == ("app-2", "app-1", None, "app-1")
    assert (child.agent, child.base, child.live) == ("scripted", "main", True)


async def test_children_go_only_as_deep_as_the_project_allows(bot):
    await bot.starts()
    for parent in ("app-1", "app-2", "app-3"):
        await child_of(bot, parent)
    with pytest.raises(UserError, match="3 levels below"):
        await child_of(bot, "app-4")
    assert len(bot.sessions) == 4


async def test_ended_session_starts_no_children(bot):
    await bot.starts()
    await bot.learns(Killed(by="me"))
    with pytest.raises(UserError, match=r"app-1 has ended \(killed\)"):
        await child_of(bot, "app-1")


async def test_end_of_the_parent_ends_all_below_it(bot):
    await bot.starts()
    await child_of(bot, "app-1")
    await child_of(bot, "app-2")
    await bot.learns(Killed(by="me"), name="app-1")
    assert [(one.id, one.live, one.announced_reason) for one in bot.sessions] == [
        ("app-1", False, "manually_killed"),
        ("app-2", False, "parent_ended"),
        ("app-3", False, "parent_ended"),
    ]


async def test_children_of_a_lost_terminal_go_on(bot):
    await bot.starts()
    await child_of(bot, "app-1")
    await bot.learns(Process(state="lost"), name="app-1")
    assert [one.live for one in bot.sessions] == [False, True]


async def test_parent_hears_that_its_child_has_ended(bot):
    await bot.starts()
    await child_of(bot, "app-1")
    await bot.learns(Killed(by="me"), name="app-2")
    [told] = inbox(bot, "app-1")
    assert (told.kind, told.author, told.state) == ("session", "app-2", "queued")
    assert told.parts["body"] == "app-2 has ended: killed (manually_killed)."


async def test_parent_hears_that_a_child_it_has_lost_lives_after_all(bot):
    await bot.starts()
    await child_of(bot, "app-1")
    await bot.spawned("app-2")
    bot.clock.passes(1)
    await bot.learns(Process(state="lost"), name="app-2")
    bot.clock.passes(1)
    await bot.learns(Turn(state="active"), name="app-2")
    assert [told.parts["body"] for told in inbox(bot, "app-1")] == [
        "app-2 has ended: killed (runtime_lost).",
        "app-2 has not ended: it was found alive and goes on.",
    ]


async def test_message_to_a_parent_that_is_away_waits_for_it(bot):
    await bot.starts()
    child = await child_of(bot, "app-1")
    await bot.store.write(lambda tx: children.tell_parent(tx, child, "Half of it works.", key="k:1"))
    await bot.learns(Process(state="lost"), name="app-1")
    await bot.store.write(lambda tx: children.tell_parent(tx, child, "All of it works.", key="k:2"))
    await bot.store.write(lambda tx: children.tell_parent(tx, child, "All of it works.", key="k:2"))
    assert [(one.state, one.parts["body"]) for one in inbox(bot, "app-1")] == [
        ("queued", "Half of it works."),
        ("queued", "All of it works."),
    ]


async def test_session_without_a_parent_tells_nobody(bot):
    session = await bot.starts()
    assert await bot.store.write(lambda tx: children.tell_parent(tx, session, "Hello?", key="k")) is False
