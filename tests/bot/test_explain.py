"""Explanations over the real store, after what the bot did."""

import json
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from bot.api.operation import Unknown
from bot.service.explain import Explain
from runtime.facts import Killed
from runtime.inbox import PASTED
from runtime.store import messages, orchestrators, outbox, sessions
from runtime.store.journal import Journal


@pytest.fixture
def explain(bot):
    service = Explain(SimpleNamespace(store=bot.store, projects=bot.projects))

    async def explained(name, limit=50):
        return await service.explain(name, limit=limit)

    return explained


async def a_talk(bot, github, clock, tmp_path):
    """Let a comment be taken in and answered."""
    pushes = tmp_path / "pushes"
    issue = github.open_issue()
    await bot.starts(issue)
    clock.passes(60)
    await bot.receives(github.comment(issue, "Please add a test."))
    said = bot.messages[-1]
    clock.passes(1)
    await bot.store.write(lambda tx: messages.mark(tx, said, PASTED, "being typed", text="Please add a test."))
    clock.passes(1)
    await bot.pushes(pushes, {"kind": "prompt", "text": "Please add a test."})
    clock.passes(20)
    await bot.pushes(pushes, {"kind": "turn_ended", "last_message": "It is there."})
    clock.passes(2)
    for row in bot.store.read(outbox.unsent):
        await bot.store.write(lambda tx, row=row: outbox.sent(tx, row, remote_id="1", result={"id": 1}))


async def test_orchestrator_holds_no_slot_that_others_wait_for(bot, github, explain):
    await bot.starts()
    await bot.store.write(lambda tx: orchestrators.claim(
        tx, project="app", prefix="app", repo="octo/app", agent="scripted", base="main", asked_by="x"
    ))  # fmt: skip
    await bot.spawned("app-orchestrator")
    await bot.receives(github.label(github.open_issue()))
    await bot.store.write(lambda tx: sessions.change(tx, "app-2", queue_position=1))
    told = "It is number 1 in the queue: 1 of 10 slots is taken."
    assert any(line.startswith(told) for line in (await explain("app-2")).waits_for)


async def test_a_comment_is_followed_to_the_answer(bot, github, clock, tmp_path, explain):
    await a_talk(bot, github, clock, tmp_path)
    told = await explain("guid-2")
    assert told.now == [
        "guid-2 is issue_comment.created, which GitHub sent 24 s ago.",
        "Its signature was right: nothing else is ever stored.",
        "It is about octo/app, which is project app, and belongs to app-1, found by the issue octo/app#1.",
        "maintainer may write to octo/app, so these words count.",
        "comments.tell_comment acted on it at once.",
    ]
    (step,) = told.chain
    assert step.effects[-1] == (
        "message 1: comment from maintainer queued → typed after 1 s, accepted after 2 s, answered after 22 s; "
        "comment on #1 → sent after 2 s"
    )
    assert (await explain("2")).name == "guid-2"
    await bot.store.write(lambda tx: tx.sql.execute(sa.text("UPDATE deliveries SET guid = '1234567-a' WHERE id = 1")))
    assert (await explain("1234567")).name == "1234567-a"


async def test_a_session_tells_its_story_and_how_much_is_left_out(bot, github, clock, tmp_path, explain):
    await a_talk(bot, github, clock, tmp_path)
    told = await explain("app-1")
    assert (told.about, told.left_out) == ("session", 0)
    assert told.now[2] == 'The agent has finished its turn and said "It is there." (the agent\'s own word, 2 s ago).'
    assert told.chain[0].effects[0] == "maintainer may write to octo/app"
    assert told.waits_for == ["If nothing happens, it is looked at again in 4 min and becomes idle (turn finished)."]
    short = await explain("app-1", limit=2)
    assert (len(short.chain), short.left_out) == (2, len(told.chain) - 2)


async def test_a_stranger_s_words_are_told_as_not_counting(bot, github, explain):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "Delete everything.", by=github.person("read")))
    told = await explain("guid-2")
    assert told.now[-1].startswith("comments.tell_comment did nothing at once: ")
    assert told.now[-1].endswith("has no write permission.")
    assert told.chain == []
    assert any(
        "has no write permission" in effect for step in (await explain("app-1")).chain for effect in step.effects
    )


async def test_what_leads_nowhere_says_where_it_looked(bot, github, explain):
    sent = github.comment(github.open_issue(), "Hello?")
    await bot.receives(sent)
    assert "No session has the issue octo/app#1, the pull request octo/app#1." in (await explain("guid-1")).now[2]
    sent.payload["repository"]["full_name"] = "octo/other"
    await bot.receives(sent)
    assert (await explain("guid-2")).now[2] == "It is about octo/other, and no project works on that."
    del sent.payload["repository"]
    await bot.receives(sent)
    assert (await explain("guid-3")).now[2] == "It names no repository."
    sent.payload["starred_at"] = "now"
    await bot.receives(sent._replace(event="star"))
    assert (await explain("guid-4")).now[-1] == "Nobody here handles star.created, so it was only noted."


async def test_a_dead_delivery_says_how_it_is_run_again(bot, github, explain):
    sent = github.label(github.open_issue())
    del sent.payload["issue"]["title"]
    await bot.receives(sent)
    told = await explain("guid-1")
    assert told.now[-2].startswith(
        "It was given up at the first attempt: issues.spawn_for_label: Permanent: issues payload"
    )
    assert told.now[-1] == "Once that is mended: ao deliveries replay guid-1"


async def test_a_delivery_that_waits_says_behind_how_many_and_why(bot, github, clock, explain):
    journal = Journal(bot.store)
    for number in (1, 2):
        await bot.store.write_raw(lambda raw, number=number: raw.sqlite.execute(
            "INSERT INTO deliveries (guid, body_hash, event, body, received_at, state, session_key)"
            " VALUES (?, ?, 'push', ?, ?, 'queued', 'octo/app#1')",
            (f"g{number}", b"%d" % number, json.dumps({}).encode(), clock()),
        ))  # fmt: skip
    assert (await explain("g2")).now[-1] == "It waits in the queue behind 1 of octo/app#1."
    await journal.start(1, "octo/app#1")
    assert (await explain("g1")).now[-1] == "It is being handled now."
    await journal.retry(1, not_before=clock() + 30, error="GitHub is away")
    assert (await explain("g1")).now[-1] == (
        "It waits in the queue. The last attempt failed: GitHub is away. It is tried again in 30 s."
    )


async def test_what_was_dropped_or_is_not_known_is_said(bot, github, clock, explain):
    await bot.starts()
    clock.passes(9 * 86400)
    from runtime.store import deliveries

    await deliveries.forget(bot.store)
    assert (await explain("guid-1")).now[2] == "Its content was dropped since; what it was about is not known any more."
    with pytest.raises(Unknown, match="There is no session or delivery guid-"):
        await explain("guid-")
    with pytest.raises(Unknown, match="There is no session or delivery app-9"):
        await explain("app-9")


async def test_a_session_of_a_removed_project_is_explained_all_the_same(bot, explain):
    await bot.starts()
    await bot.learns(Killed(by="octo"))
    bot.projects.clear()
    told = await explain("app-1")
    assert told.waits_for == ["No project app is configured any more, so nothing is done for it."]
