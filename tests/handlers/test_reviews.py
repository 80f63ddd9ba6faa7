"""Reviews of a session's pull request."""

import pytest

from runtime.errors import ForgeBusy


@pytest.fixture
async def pull(bot, github):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    return pull


async def test_review_with_its_comments_is_one_message(bot, github, pull):
    comments = [("app.py", 3, "Louder"), ("app.py", None, "Where are<!-- x --> the tests?")]
    await bot.receives(github.review(pull, "changes_requested", "Almost", *comments))
    [message] = bot.messages
    assert (message.kind, message.author) == ("review", "reviewer")
    assert (message.parts["number"], message.parts["body"]) == (pull.number, "Almost")
    said = [(one["path"], one["line"], one["body"]) for one in message.parts["comments"]]
    assert said == [("app.py", 3, "Louder"), ("app.py", None, "Where are the tests?")]
    assert [one["thread"] for one in message.parts["comments"]] == [one["id"] for one in message.parts["comments"]]
    assert bot.status == ("changes_requested", "changes_requested")


async def test_answer_in_a_thread_belongs_to_its_thread(bot, github, pull):
    sent = github.review(pull, "commented", None, ("app.py", 3, "And now?"))
    github.reviews[sent.payload["review"]["id"]][0]["in_reply_to"] = 70
    await bot.receives(sent)
    assert bot.messages[0].parts["comments"][0]["thread"] == 70
    assert bot.facts.reviews == ()


async def test_approval_without_words_is_a_fact_and_no_message(bot, github, pull):
    await bot.receives(github.check("tests", "success"))
    await bot.receives(github.review(pull, "approved"))
    assert (bot.messages, bot.status) == ([], ("mergeable", "merge_ready"))


async def test_dismissed_review_no_longer_counts(bot, github, pull):
    await bot.receives(github.review(pull, "changes_requested", "No"))
    await bot.receives(github.review(pull, "dismissed", "No", action="dismissed"))
    assert [review.state for review in bot.facts.reviews] == ["dismissed"]
    assert bot.status == ("pr_open", "pr_created")


async def test_reviewers_last_opinion_counts_whatever_the_order(bot, github, pull):
    first, second = github.review(pull, "changes_requested", "No"), github.review(pull, "approved")
    for sent in (second, first):
        await bot.receives(sent)
    assert [review.state for review in bot.facts.reviews] == ["approved"]


async def test_review_without_write_permission_is_skipped_with_a_reason(bot, github, pull):
    sent = github.review(pull, "approved", "Merge it", ("app.py", 1, "x"), by=github.person("read"))
    assert (await bot.receives(sent)).skip_reason == "some-read has no write permission"
    assert (bot.messages, bot.facts.reviews) == ([], ())


async def test_reviews_elsewhere_are_skipped(bot, github):
    other = github.open_pull("people/branch", "d" * 40)
    reasons = [
        (await bot.receives(github.review(other, "dismissed", action=action))).skip_reason
        for action in ("submitted", "dismissed")
    ]
    assert reasons == ["no live session for this pull request", "not a pull request of a session"]


async def test_own_reply_under_a_persons_login_is_not_taken_for_a_review(bot, github, pull):
    bot.people.token = True
    reply = "Done in abc: louder.\n\n<!-- ao:reply:octo/app:reply:1:2 -->"
    sent = github.review(pull, "commented", None, ("app.py", 3, reply), by="maintainer")
    assert (await bot.receives(sent)).skip_reason == "the bot's own words"
    assert bot.messages == []


async def test_review_waits_until_github_can_show_its_comments(bot, github, pull):
    bot.forge.broken = ForgeBusy("no answer")
    assert (await bot.receives(github.review(pull, "commented", None, ("app.py", 1, "Hm")))).state == "queued"
    bot.forge.broken = None
    await bot.works()
    assert len(bot.messages) == 1


async def test_review_by_a_deleted_account_is_no_opinion(bot, github, pull):
    sent = github.review(pull, "approved")
    sent.payload["review"]["user"] = None
    await bot.receives(sent)
    assert bot.facts.reviews == ()
