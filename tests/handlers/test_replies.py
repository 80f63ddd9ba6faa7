"""Answers where the agent was asked."""

import pytest

from runtime.facts import Pushed
from runtime.store import messages
from tests.fakes.github import SHA


@pytest.fixture
def file(tmp_path):
    return tmp_path / "pushes.jsonl"


async def takes_in(bot, file):
    """Let the agent report that it took in all that waits."""
    for message in bot.messages:
        if message.waiting:
            text = f"text of {message.id}"
            await bot.store.write(
                lambda tx, message=message, text=text: messages.mark(tx, message, "pasted", "", text=text)
            )
            await bot.pushes(file, {"kind": "prompt", "text": text})


async def ends_turn(bot, file, said="Greeted louder."):
    bot.clock.passes(1)
    await bot.pushes(file, {"kind": "turn_ended", "last_message": said})


async def test_each_thread_of_a_review_is_answered_once_with_the_commit(bot, github, file):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    sent = github.review(pull, "changes_requested", None, ("a.py", 1, "x"), ("a.py", 2, "y"), ("b.py", 1, "z"))
    threads = github.reviews[sent.payload["review"]["id"]]
    threads[1]["in_reply_to"] = threads[0]["id"]
    await bot.receives(sent)
    await takes_in(bot, file)
    bot.clock.passes(1)
    await bot.learns(Pushed(sha=SHA))
    await ends_turn(bot, file)
    assert bot.outbox("reply") == [
        {"pull": pull.number, "comment_id": one["id"], "body": "Done in aaaaaaa: Greeted louder."}
        for one in (threads[0], threads[2])
    ]
    await ends_turn(bot, file, "Something else")
    assert len(bot.outbox("reply")) == 2


async def test_comment_is_answered_with_a_quote_of_its_first_line(bot, github, file):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "\n\nUse French.\nAnd be polite."))
    await takes_in(bot, file)
    await ends_turn(bot, file)
    assert bot.said == ["> Use French.\n\nNo change made: Greeted louder."]
    assert bot.outbox("comment")[0]["number"] == issue.number


async def test_quote_calls_nobody_and_hides_nothing(bot, github, file):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "@reviewer look\u202e \x1b[31m" + "y" * 300))
    await takes_in(bot, file)
    await ends_turn(bot, file)
    quote = bot.said[0].split("\n")[0]
    assert quote.startswith("> @\u200breviewer look<U+202E> [31myyy")
    assert quote.endswith("yyy…")


async def test_two_comments_in_one_turn_are_both_answered(bot, github, file):
    issue = github.open_issue()
    await bot.starts(issue)
    for text in ("one", "two"):
        await bot.receives(github.comment(issue, text))
    await takes_in(bot, file)
    await ends_turn(bot, file)
    assert [said.split("\n")[0] for said in bot.said] == ["> one", "> two"]


async def test_what_was_pushed_before_the_question_is_not_its_answer(bot, github, file):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.learns(Pushed(sha=SHA))
    bot.clock.passes(1)
    await bot.receives(github.comment(issue, "Why?"))
    await takes_in(bot, file)
    await ends_turn(bot, file)
    assert bot.said == ["> Why?\n\nNo change made: Greeted louder."]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "see the commit"),
        ("Ask @bob", "Ask @\u200bbob"),
        ("\x1b[31mred\u202e\r\nand", "[31mred<U+202E>\nand"),
        ("y" * 5000, "y" * 1985 + "\n\n… (shortened)"),
        ("```\nx = 1\n```\nThat is all.", "\n\n```\nx = 1\n```\nThat is all."),
    ],
)
async def test_last_words_are_bounded_and_call_nobody(bot, github, file, words, said):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "Why?"))
    await takes_in(bot, file)
    await ends_turn(bot, file, words)
    assert bot.said == [f"> Why?\n\nNo change made: {said}"]


async def test_long_answer_is_cut_with_its_code_block_closed(bot, github, file):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "Why?"))
    await takes_in(bot, file)
    await ends_turn(bot, file, "Like this:\n\n```python\n" + "x = 1  # a line of code\n" * 120 + "```\nDone.")
    assert bot.said[0].endswith("\n```\n\n… (shortened)")
    assert bot.said[0].count("```") == 2


async def test_turn_that_nobody_on_github_asked_for_is_not_answered(bot, github, file):
    await bot.starts()
    await bot.pushes(file, {"kind": "prompt", "text": "typed by hand"})
    await ends_turn(bot, file)
    assert (bot.outbox("reply", "comment"), bot.records("typed")) == ([], ["app-1: a prompt that was typed by hand"])
