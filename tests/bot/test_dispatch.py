"""Deliveries and stories, brought together."""

import json

import pytest

from runtime.errors import UserError
from runtime.store.journal import Delivery
from tests.fakes.github import REPO, Sent


def row(sent: Sent, guid="g-1") -> Delivery:
    body = json.dumps(sent.payload).encode()
    return Delivery(id=1, guid=guid, event=sent.event, body=body, received_at=0.0, attempts=0, not_before=0.0)


async def test_deliveries_of_a_session_share_its_key_whatever_they_are_about(bot, github):
    issue = github.open_issue()
    first = bot.dispatch.key_of(row(github.label(issue)))
    await bot.starts(issue)
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    sent = [
        github.label(issue), github.pull(pull), github.comment(pull, "Hi"), github.review(pull, "approved"),
        github.check("t", "failure"), github.suite("failure"), github.push("ao/app-1"),
    ]  # fmt: skip
    assert {first, *(bot.dispatch.key_of(row(one)) for one in sent)} == {"octo/app#1"}


def test_other_deliveries_are_ordered_by_what_they_are_about(bot, github):
    key = bot.dispatch.key_of
    assert key(row(github.pull(github.open_pull("x", "d" * 40)))) == "octo/app#1"
    assert key(row(github.push("main"))) == "octo/app:main"
    assert key(row(Sent("star", {"repository": {"full_name": REPO}}))) == REPO
    assert key(row(Sent("star", {}))) == "g-1"


async def test_installation_of_the_repository_is_remembered(bot, github):
    await bot.receives(github.label(github.open_issue()))
    assert bot.installed == {REPO: 7}
    sent = github.push("main")
    del sent.payload["installation"]
    bot.installed.clear()
    await bot.receives(sent)
    assert bot.installed == {}


async def test_delivery_without_a_repository_is_of_no_project(bot, github):
    sent = github.push("main")
    del sent.payload["repository"]
    assert (await bot.receives(sent)).skip_reason == "no project works on this repository"


async def test_session_of_another_repository_is_never_found(bot, github):
    await bot.starts()
    sent = github.comment(github.open_issue(), "Hi")
    sent.payload["issue"]["number"] = 1
    sent.payload["repository"] = {"id": 2, "full_name": "octo/other"}
    assert bot.dispatch.key_of(row(sent)) == "octo/other#1"


async def test_mistake_is_told_once_per_delivery_where_it_was_made(bot, github):
    sent = row(github.label(github.open_issue()))
    for _ in range(2):
        for op in bot.dispatch.say_error(sent, UserError("Do this instead.")):
            await bot.store.write(op)
    assert bot.outbox("comment") == [{"number": 1, "body": "Do this instead."}]


@pytest.mark.parametrize("sent", [Sent("push", {"repository": {"full_name": REPO}}), Sent("issues", {})])
def test_mistake_without_a_place_is_told_nowhere(bot, sent):
    assert bot.dispatch.say_error(row(sent), UserError("x")) == []


async def test_delivery_that_was_replayed_changes_nothing(bot, github):
    issue = github.open_issue()
    await bot.receives(github.label(issue))
    before = (bot.outbox(), [one.id for one in bot.sessions])
    await bot.store.write(
        lambda tx: (
            tx.sql.exec_driver_sql("DELETE FROM handler_runs; ").rowcount
            and tx.sql.exec_driver_sql("UPDATE deliveries SET state = 'queued'").rowcount
        )
    )
    await bot.works()
    assert (bot.outbox(), [one.id for one in bot.sessions]) == before
