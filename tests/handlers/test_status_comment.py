"""The one status comment."""

import re

import pytest

from handlers.status_comment import HEADLINES, render
from runtime import metadata_edits
from runtime.changes import Cleared
from runtime.facts import Check, Cleaned, Review, SpawnFailed, Turn
from runtime.status import Status
from runtime.store import sessions
from tests.fakes.sessions import facts, pull_request, session


def comments(bot):
    return bot.outbox("status_comment")


async def test_every_status_has_a_headline_of_its_own():
    assert set(HEADLINES) == set(Status)
    for status in Status:
        text = render(session(announced_status=status), facts())
        assert text.startswith(f"### {HEADLINES[status]}\n")
        assert "| Session | `app-1` with scripted |" in text
        assert "| Branch | `ao/app-1` |" in text


async def test_it_tells_an_agent_that_cannot_be_seen_from_one_that_does_nothing():
    text = render(session(announced_status="stuck", announced_reason="probe_failure"), facts())
    assert text.startswith("### 🩺 It cannot be found out whether the agent still runs\n")


@pytest.mark.parametrize("word", ["a|b", "a\\|b", "a\\\\|b"])
async def test_last_words_stay_in_their_cell(word):
    text = render(session(), facts(turn=Turn(state="ready", last_message=word)))
    row = next(line for line in text.splitlines() if line.startswith("| Last words"))
    assert re.fullmatch(r"\| Last words \| (\\.|[^|\\])+ \|", row)


async def test_it_is_written_once_and_revised_with_every_change(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    assert [one["number"] for one in comments(bot)] == [issue.number]
    revisions = bot.rows("outbox", kind="status_comment")[0].revision
    await bot.learns(Turn(state="active"))
    assert bot.rows("outbox", kind="status_comment")[0].revision == revisions + 1


async def test_it_is_revised_when_the_worktree_is_gone(bot, github):
    await bot.starts()
    before = bot.rows("outbox", kind="status_comment")[0].revision
    cleared = Cleared(session=bot.session)
    await bot.store.write(lambda tx: tx.changes.append(cleared))
    assert bot.rows("outbox", kind="status_comment")[0].revision == before + 1


async def moves(bot, issue):
    now = issue and await bot.forge.issue("octo/app", issue.number)
    edit = metadata_edits.Edit(issue=now, cleared=() if now else ("issue",))
    await bot.store.write(lambda tx: metadata_edits.apply(tx, "app-1", edit, []))


def bodies(bot):
    return {one["number"]: one.get("body") for one in comments(bot)}


async def test_it_says_where_the_session_went_and_goes_on_there(bot, github):
    first, second = github.open_issue(), github.open_issue()
    await bot.starts(first)
    await moves(bot, second)
    assert bodies(bot)[second.number] is None
    assert bodies(bot)[first.number].startswith("### ➡️ Moved\n\nA person moved `app-1` to #2, where")
    revisions = {row.payload["number"]: row.revision for row in bot.rows("outbox", kind="status_comment")}
    await bot.learns(Turn(state="waiting", question="?"))
    after = {row.payload["number"]: row.revision for row in bot.rows("outbox", kind="status_comment")}
    assert after == {first.number: revisions[first.number], second.number: revisions[second.number] + 1}


async def test_comment_that_is_there_is_gone_on_with_when_the_session_comes_back(bot, github):
    first, second = github.open_issue(), github.open_issue()
    await bot.starts(first)
    for issue in (second, first):
        await moves(bot, issue)
    assert len(comments(bot)) == 2
    assert bodies(bot)[first.number] is None
    assert "moved `app-1` to #1" in bodies(bot)[second.number]


async def test_it_says_that_the_session_has_no_issue_any_more(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    await moves(bot, None)
    assert "A person moved `app-1` away from this issue" in bodies(bot)[issue.number]
    await moves(bot, issue)
    assert bodies(bot) == {issue.number: None}


async def test_session_without_an_issue_has_none(bot):
    await bot.store.write(
        lambda tx: sessions.claim(
            tx, project="app", prefix="app", repo="octo/app", issue=None, title="t", task="t", agent="scripted",
            base="main", asked_by="cli",
        )
    )  # fmt: skip
    assert (bot.status[0], bot.outbox()) == ("spawning", [])


def test_pull_request_checks_and_review_are_shown():
    known = facts(pull_request=pull_request(), checks=(Check(name="t", head_sha="a" * 40, conclusion="failure"),),
                  reviews=(Review(reviewer="r", state="approved"),))  # fmt: skip
    text = render(session(), known)
    assert "| Pull request | #2 |\n| Checks | ✗ failed |\n| Review | ✓ approved |" in text


def test_place_in_the_queue_is_shown():
    shown = render(session(queue_position=3), facts())
    assert shown.startswith("### ⏳ Waiting for a free slot\n")
    assert "| Queue | number 3 |" in shown


@pytest.mark.parametrize(
    ("known", "row"),
    [
        ({"turn": Turn(state="waiting", question="Delete it?")}, "| Question | Delete it? |"),
        ({"turn": Turn(state="blocked", last_message="No quota left")}, "| Question | No quota left |"),
        ({"turn": Turn(state="ready", last_message="Did\n\nit")}, "| Last words | Did it |"),
        ({"turn": Turn(state="ready", last_message="a|b <img> @bob")}, "| Last words | a\\|b &lt;img> @\u200bbob |"),
        ({"turn": Turn(state="ready", last_message="x" * 999)}, f"| Last words | {'x' * 299}… |"),
        ({"turn": Turn(state="waiting", question="\x1b[31mA\u202e\x07?")}, "| Question | [31mA&lt;U+202E>? |"),
        ({"spawn_failed": SpawnFailed(step="workspace", error="e")}, "| Failed | workspace |"),
    ],
)
def test_reason_is_one_row_that_no_text_can_break(known, row):
    assert row in render(session(), facts(**known)).splitlines()


def test_agent_that_says_nothing_has_no_last_words():
    assert "Last words" not in render(session(), facts(turn=Turn(state="active")))


@pytest.mark.parametrize(("live", "shown"), [(True, True), (False, False)])
def test_way_to_the_terminal_and_to_talk_is_shown_while_there_is_one(live, shown):
    text = render(session(live=live), facts(), attach="tmux attach")
    assert ("    tmux attach" in text) is shown
    assert ("`/agent help`" in text) is shown


@pytest.mark.parametrize(
    ("ref", "words"), [("", "everything was on GitHub"), ("refs/ao/preserved/app-1/9", "`refs/ao")]
)
def test_end_says_where_the_work_is(ref, words):
    assert words in render(session(live=False), facts(cleaned=Cleaned(preserved=ref)))


def test_end_does_not_call_everything_safe_when_the_worktree_could_not_be_read():
    text = render(session(live=False), facts(cleaned=Cleaned(left="/w/app-1 leads to /x")))
    assert "everything was on GitHub" not in text and "/x" not in text
    assert "`ao explain app-1` says where to look" in text
