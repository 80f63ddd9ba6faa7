"""Comments on a session's issue or pull request."""

import pytest

from runtime.facts import PullRequest
from tests.fakes.bot import a_project


async def test_comment_on_the_issue_is_a_message_and_gets_a_reaction(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "Use French."))
    [message] = bot.messages
    assert (message.kind, message.author, message.state) == ("comment", "maintainer", "queued")
    assert message.parts["body"] == "Use French."
    assert message.parts["where"] == f"issue #{issue.number}"
    assert bot.outbox("reaction")[-1] == {"subject": "issue_comment", "id": message.parts["id"], "content": "eyes"}


async def test_comment_on_the_pull_request_is_a_message(bot, github):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    await bot.receives(github.comment(pull, "Please also mention it in the README."))
    assert [message.parts["where"] for message in bot.messages] == [f"pull request #{pull.number}"]


async def test_comment_that_overtakes_the_news_of_its_pull_request_is_a_message_too(bot, github):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.comment(pull, "Please also mention it in the README."))
    await bot.receives(github.comment(pull, "And in the changelog."))
    assert [message.parts["where"] for message in bot.messages] == [f"pull request #{pull.number}"] * 2
    assert bot.forge.asked.count("pull") == 1


@pytest.mark.parametrize("foreign", [{"branch": "feature"}, {"fork": True}])
async def test_comment_on_somebody_elses_pull_request_costs_one_question(bot, github, foreign):
    await bot.starts()
    pull = github.open_pull(**foreign)
    for _ in range(2):
        entry = await bot.receives(github.comment(pull, "Hi"))
        assert entry.skip_reason == "no session for this issue or pull request"
    assert (bot.messages, bot.forge.asked.count("pull")) == ([], 1)


async def test_comment_on_a_pull_request_that_is_gone_is_skipped(bot, github):
    await bot.starts()
    pull = github.open_pull()
    sent = github.comment(pull, "Hi")
    del github.pulls[pull.number]
    assert (await bot.receives(sent)).skip_reason == "no session for this issue or pull request"


async def test_nobody_is_asked_about_a_pull_request_while_no_session_lives(bot, github):
    entry = await bot.receives(github.comment(github.open_pull(), "Hi"))
    assert (entry.skip_reason, bot.forge.asked) == ("no session for this issue or pull request", [])


async def test_same_comment_delivered_twice_is_one_message(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    sent = github.comment(issue, "Use French.")
    await bot.receives(sent)
    sent.payload["issue"]["updated_at"] = "later"
    await bot.receives(sent)
    assert (len(bot.messages), len(bot.outbox("reaction"))) == (1, 2)


@pytest.mark.parametrize("role", ["read", "triage", "none"])
async def test_comment_without_write_permission_is_skipped_with_a_reason(bot, github, role):
    issue = github.open_issue()
    await bot.starts(issue)
    before = len(bot.outbox())
    entry = await bot.receives(github.comment(issue, "/agent stop", by=github.person(role)))
    assert entry.skip_reason == f"some-{role} has no write permission"
    assert (bot.messages, len(bot.outbox()), len(bot.live)) == ([], before, 1)


@pytest.mark.parametrize(
    ("by", "type", "reason"),
    [
        ("ao[bot]", "Bot", "the bot's own words"),
        ("codecov[bot]", "Bot", "codecov[bot] is a bot, and bots are not listened to"),
        ("machine", "Bot", "machine is a bot, and bots are not listened to"),
    ],
)
async def test_words_of_bots_are_not_listened_to(bot, github, by, type, reason):
    issue = github.open_issue()
    github.roles[by] = "write"
    await bot.starts(issue)
    assert (await bot.receives(github.comment(issue, "Nice", by=by, type=type))).skip_reason == reason
    assert bot.messages == []


async def test_own_words_under_a_persons_login_are_known_by_their_marker(bot, github):
    bot.people.token = True
    issue = github.open_issue()
    await bot.starts(issue)
    marked = github.comment(issue, "Done.\n\n<!-- ao:comment:octo/app:answer:1 -->")
    assert (await bot.receives(marked)).skip_reason == "the bot's own words"
    await bot.receives(github.comment(issue, "Thanks, now the tests."))
    assert [message.parts["body"] for message in bot.messages] == ["Thanks, now the tests."]


async def test_comment_elsewhere_is_skipped(bot, github):
    assert (await bot.receives(github.comment(github.open_issue(), "Hi"))).skip_reason == (
        "no session for this issue or pull request"
    )


async def test_comment_after_the_end_is_answered_with_how_to_start_again(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.close(issue))
    await bot.receives(github.comment(issue, "One more thing"))
    assert bot.messages == []
    assert bot.said == ["`app-1` has ended (cleanup). Comment `/agent restart` to bring it back, then say it again."]


async def test_comment_after_the_merge_is_answered_with_how_to_start_again(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    merged = PullRequest(
        number=2, url="u", title="t", state="merged", draft=False, head_ref="ao/app-1", head_sha="a" * 40,
        base_ref="main",
    )  # fmt: skip
    await bot.learns(merged)
    await bot.receives(github.comment(issue, "One more thing"))
    assert bot.said == ["`app-1` has ended (merged). Comment `/agent` on the issue to start again."]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("Before<!-- hidden -->after", "Beforeafter"),
        ("Seen\n<!-- from here\non", "Seen"),
        ("a <!-- one --> b <!-- two --> c", "a  b  c"),
    ],
)
async def test_text_that_nobody_sees_on_the_page_never_reaches_the_agent(bot, github, body, kept):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, body))
    assert [message.parts["body"] for message in bot.messages] == [kept]


async def test_comment_that_shows_nothing_is_skipped(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    entry = await bot.receives(github.comment(issue, "<!-- /agent stop\n/agent stop\n-->"))
    assert entry.skip_reason == "the comment shows no text"
    assert (bot.messages, len(bot.live)) == ([], 1)


@pytest.mark.parametrize(("body", "heard"), [("@ao please add tests", True), ("What do you think, @bob?", False)])
async def test_project_may_ask_for_its_name_in_comments(make_bot, github, body, heard):
    bot = make_bot(a_project(comments="mention"))
    issue = github.open_issue()
    await bot.starts(issue)
    entry = await bot.receives(github.comment(issue, body))
    assert len(bot.messages) == heard
    assert entry.skip_reason == (None if heard else "the comment does not name the bot")


async def test_commands_need_no_name(make_bot, github):
    bot = make_bot(a_project(comments="mention"))
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.receives(github.comment(issue, "/agent stop"))
    assert bot.status == ("killed", "manually_killed")


@pytest.mark.parametrize("body", ["@ao please finish this", "/agent"])
async def test_naming_the_bot_on_a_pull_request_starts_a_session_that_works_on_it(bot, github, body):
    pull = github.open_pull("feature")
    sent = github.comment(pull, body)
    entry = await bot.receives(sent)
    [session] = bot.sessions
    assert (entry.skip_reason, session.issue, session.pull, session.branch) == (None, None, pull.number, "feature")
    assert (session.title, session.asked_by, session.base) == ("Add a greeting", "maintainer", "main")
    assert f"Take over pull request #{pull.number}" in session.task
    assert ("maintainer said:\n@ao please finish this" in session.task) is (body != "/agent")
    assert bot.facts.pull_request.number == pull.number
    reaction = {"subject": "issue_comment", "id": sent.payload["comment"]["id"], "content": "eyes"}
    assert bot.outbox("reaction") == [reaction]
    await bot.receives(github.comment(pull, "And a test."))
    assert [message.parts["body"] for message in bot.messages] == ["And a test."]


@pytest.mark.parametrize("where", ["pull request", "issue"])
@pytest.mark.parametrize("body", ["@ao please finish this", "/agent"])
async def test_agent_that_is_not_installed_is_told_and_nothing_is_claimed(bot, github, where, body):
    bot.missing = {"scripted"}
    asked = github.open_pull("feature") if where == "pull request" else github.open_issue()
    entry = await bot.receives(github.comment(asked, body))
    [said] = bot.said
    assert said.startswith(
        "No session was started: `scripted` is not on PATH: install it with get scripted. Do that on"
    )
    assert (entry.skip_reason, bot.sessions, bot.outbox("reaction")) == (said, [], [])
    bot.missing.clear()
    await bot.receives(github.comment(asked, body))
    assert len(bot.live) == 1


async def test_naming_the_bot_without_write_permission_starts_nothing_on_a_pull_request(bot, github):
    sent = github.comment(github.open_pull("feature"), "@ao please", by=github.person("read"))
    assert (await bot.receives(sent)).skip_reason == "some-read has no write permission"
    assert (bot.sessions, bot.outbox(), bot.forge.asked) == ([], [], [])


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"fork": True}, "comes from another repository, where agents cannot push"), ({"state": "closed"}, "is closed")],
)
async def test_pull_request_that_cannot_be_worked_on_is_answered_with_the_reason(bot, github, changed, why):
    pull = github.open_pull("feature")
    vars(pull).update(changed)
    entry = await bot.receives(github.comment(pull, "@ao please"))
    [said] = bot.said
    assert said.startswith(f"Pull request #{pull.number} {why}")
    assert (entry.skip_reason, bot.sessions, bot.outbox("reaction")) == (said, [], [])
