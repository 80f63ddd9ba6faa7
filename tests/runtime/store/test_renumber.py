"""A session that has nothing yet gets another number, and everything that is known of it goes along."""

import pytest
import sqlalchemy as sa

from runtime.errors import Retryable
from runtime.store import messages, schema, sessions
from runtime.store.renumber import name_now, renumber
from tests.fakes.github import REPO


async def moved(bot, name="app-1"):
    session = bot.store.read(lambda sql: sessions.get(sql, name))
    return await bot.store.write(lambda tx: renumber(tx, session, "app"))


async def test_everything_goes_along(bot, github):
    issue = github.open_issue()
    await bot.receives(github.label(issue))
    await bot.receives(github.comment(issue, "Be quick."))
    before = {table: len(bot.rows(table)) for table in ("outbox", "messages", "addresses")}
    new = await moved(bot)
    assert (new.id, new.number, new.branch, new.issue) == ("app-2", 2, "ao/app-2", issue.number)
    assert bot.sessions == [bot.store.read(lambda sql: sessions.get(sql, "app-2"))]
    assert {table: len(bot.rows(table)) for table in before} == before
    for table in ("facts", "steps", "messages", "addresses", "outbox"):
        assert bot.rows(table, session_id="app-1") == []
    homes = {row.address for row in bot.rows("addresses")}
    assert homes == {f"issue:{REPO}#{issue.number}", f"branch:{REPO}:ao/app-2", f"trailer:{REPO}:app-2"}
    assert [row.key for row in bot.rows("outbox", kind="status_comment")] == [f"{REPO}:status:app-2"]
    assert bot.records("renumbered") == ["app-1 is app-2 now: the forge has a branch ao/app-1"]
    assert bot.store.read(lambda sql: (name_now(sql, "app-1"), name_now(sql, "app-2"))) == ("app-2", "app-2")


async def test_deliveries_find_it_and_the_old_number_is_never_given_out_again(bot, github):
    issue = github.open_issue()
    await bot.receives(github.label(issue))
    await moved(bot)
    await bot.receives(github.comment(issue, "Be quick."))
    assert [message.session_id for message in bot.messages] == ["app-2"]
    await bot.receives(github.label(github.open_issue()))
    assert [one.id for one in bot.sessions] == ["app-2", "app-3"]


async def test_session_without_an_issue_has_a_key_of_its_new_name(bot):
    await bot.store.write(
        lambda tx: sessions.claim(
            tx, project="app", prefix="app", repo=REPO, issue=None, title="t", task="t", agent="scripted", base="main",
            asked_by="x",
        )
    )  # fmt: skip
    assert (await moved(bot)).session_key == "app-2"
    child = await bot.store.write(
        lambda tx: sessions.claim(
            tx, project="app", prefix="app", repo=REPO, issue=None, title="t", task="t", agent="scripted", base="main",
            asked_by="app-2", parent="app-2",
        )
    )  # fmt: skip
    await moved(bot, "app-2")
    assert bot.store.read(lambda sql: sessions.get(sql, child.id)).parent == "app-4"
    await bot.store.write(
        lambda tx: messages.add(tx, "app-4", kind="person", source_key="k", author="me", parts={"body": "x"})
    )


async def test_comment_that_is_on_its_way_goes_first(bot, github):
    await bot.receives(github.label(github.open_issue()))
    status = schema.outbox.c.kind == "status_comment"
    await bot.store.write(lambda tx: tx.sql.execute(sa.update(schema.outbox).where(status).values(state="sending")))
    with pytest.raises(Retryable):
        await moved(bot)
    assert [one.id for one in bot.sessions] == ["app-1"]
