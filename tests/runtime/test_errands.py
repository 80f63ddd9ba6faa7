"""What agents may ask about the sessions around theirs, and what not."""

import json

import pytest

from runtime import children, orchestrator
from runtime.errors import UserError
from runtime.store import messages, orchestrators, sessions
from runtime.wish import Wish
from tests.fakes.errands import errands_of


@pytest.fixture
async def family(bot):
    """An orchestrator, two workers, and a child of the first one."""
    await bot.store.write(lambda tx: orchestrator.ensure(tx, bot.project, base="main", by="me"))
    first, second = await bot.starts(), await bot.starts()
    child = await bot.store.write(lambda tx: children.start(tx, first, bot.project, title="Part", task="Part"))
    chief = bot.store.read(lambda sql: orchestrators.of_project(sql, "app"))
    return {"chief": chief, "first": first, "second": second, "child": child}


@pytest.fixture
def errands(bot):
    return errands_of(bot)


def names(found):
    return [one.id for one in found]


async def test_worker_sees_its_children_and_the_orchestrator(errands, family):
    assert names(errands.near(family["first"])) == ["app-orchestrator", "app-3"]
    assert names(errands.near(family["second"])) == ["app-orchestrator"]
    assert names(errands.near(family["child"])) == ["app-orchestrator", "app-1"]


async def test_orchestrator_sees_the_whole_project(errands, family):
    assert names(errands.near(family["chief"])) == ["app-1", "app-2", "app-3"]


async def test_status_is_told_in_lines_and_as_json(errands, family):
    text = errands.status(family["second"], as_json=False)
    assert text.splitlines()[0].startswith("app-2  [working]  ao/app-2")
    found = json.loads(errands.status(family["second"], as_json=True))
    assert [(one["name"], one["role"]) for one in found] == [("app-2", "worker"), ("app-orchestrator", "orchestrator")]


async def test_message_reaches_a_session_nearby(bot, errands, family):
    assert await errands.send(family["child"], "app-1", "It works.", id="1") == "Message to app-1 queued."
    [told] = bot.store.read(lambda sql: messages.of_session(sql, "app-1", "queued"))
    assert (told.kind, told.author, told.parts) == ("session", "app-3", {"body": "It works."})


async def test_message_to_the_parent_is_taken_while_that_is_away(bot, errands, family):
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", live=False))
    await errands.send(family["child"], "app-1", "It works.", id="1")
    assert bot.store.read(lambda sql: messages.of_session(sql, "app-1", "queued"))


@pytest.mark.parametrize("name", ["app-1", "app-9", "app-2"])
async def test_session_that_is_not_near_gets_nothing(bot, errands, family, name):
    with pytest.raises(UserError, match=f"no session {name} that you can reach"):
        await errands.send(family["second"], name, "Stop!", id="1")


async def test_nothing_is_sent_with_nothing_said(errands, family):
    with pytest.raises(UserError, match="ao send"):
        await errands.send(family["child"], "app-1", " \n", id="1")


async def test_worker_starts_a_child_and_the_orchestrator_a_worker(bot, errands, family):
    made = await errands.spawn(family["second"], Wish(prompt="# Write the tests\n\nfor app.py", by="app-2"), id="1")
    assert made == "SESSION=app-4"
    assert (bot.session.parent, bot.session.title) == ("app-2", "Write the tests")
    assert await errands.spawn(family["chief"], Wish(prompt="Look at the logs", by="chief"), id="1") == "SESSION=app-5"
    assert (bot.session.parent, bot.session.asked_by) == (None, "chief")


async def test_request_that_comes_twice_starts_and_tells_once(bot, errands, family):
    for _ in range(2):
        assert await errands.spawn(family["second"], Wish(prompt="Tests", by="app-2"), id="1") == "SESSION=app-4"
        await errands.send(family["second"], "app-4", "Hurry.", id="2")
    assert len(bot.sessions) == 5
    assert len(bot.store.read(lambda sql: messages.of_session(sql, "app-4"))) == 1


async def test_orchestrator_starts_on_issues_of_people_who_may_write(bot, errands, family):
    issue = bot.github.open_issue("Say goodbye")
    with pytest.raises(UserError, match="Only the orchestrator"):
        await errands.spawn(family["first"], Wish(issue=str(issue.number)), id="1")
    role = bot.github.roles.pop("maintainer")
    with pytest.raises(UserError, match="was written by maintainer, who has no write permission"):
        await errands.spawn(family["chief"], Wish(issue=str(issue.number)), id="2")
    bot.github.roles["maintainer"] = role
    assert await errands.spawn(family["chief"], Wish(issue=str(issue.number)), id="3") == "SESSION=app-4"
    assert bot.session.issue == issue.number
