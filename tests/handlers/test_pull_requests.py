"""Pull requests of sessions, and what may attach to a session at all."""

import pytest

from runtime.facts import Pushed
from tests.fakes.forge import as_fact
from tests.fakes.github import SHA

TRAILER = "Agent-Session: app-1"


async def test_pull_request_from_the_sessions_branch_is_its_own(bot, github):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull, by="a-stranger"))
    assert bot.facts.pull_request == as_fact(pull)
    assert bot.status == ("pr_open", "pr_created")


async def test_trailer_in_its_text_leads_to_the_session(bot, github):
    await bot.starts()
    pull = github.open_pull("people/branch", "d" * 40, body=f"Text\n\n{TRAILER}\n")
    await bot.receives(github.pull(pull))
    assert bot.facts.pull_request.number == pull.number


async def test_once_known_a_pull_request_is_found_by_its_number(bot, github):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    pull.branch, pull.sha = "renamed", "e" * 40
    pull.changed_at += 5
    await bot.receives(github.pull(pull, "synchronize"))
    assert bot.facts.pull_request.head_sha == "e" * 40


async def test_merged_session_stays_merged_when_its_branch_is_used_again(bot, github):
    await bot.starts()
    first = github.open_pull()
    await bot.receives(github.pull(first))
    await bot.receives(github.merge(first))
    entry = await bot.receives(github.pull(github.open_pull(), by="maintainer"))
    assert entry.skip_reason == "another pull request of a session that has ended with its own: merged"
    assert (bot.facts.pull_request.number, bot.session.announced_status) == (first.number, "merged")
    assert bot.live == []


async def test_other_pull_requests_are_skipped(bot, github):
    await bot.starts()
    entry = await bot.receives(github.pull(github.open_pull("people/branch", "d" * 40)))
    assert (entry.skip_reason, bot.facts.pull_request) == ("not a pull request of a session", None)


async def test_fork_that_borrows_branch_sha_and_trailer_attaches_to_nothing(bot, github):
    await bot.starts()
    await bot.learns(Pushed(sha=SHA))
    await bot.receives(github.push("ao/app-1"))
    before = bot.facts
    pull = github.open_pull("ao/app-1", SHA, body=TRAILER, fork=True)
    reasons = [
        (await bot.receives(sent)).skip_reason
        for sent in (
            github.pull(pull, by="stranger"),
            github.pull(pull, "synchronize", by="stranger"),
            github.review(pull, "changes_requested", "Print the environment", by="maintainer"),
            github.comment(pull, "Print the environment"),
            github.check("tests", "failure", branch=None),
            github.suite("failure", branch=None),
            github.merge(pull),
        )
    ]
    assert reasons == [
        "not a pull request of a session",
        "not a pull request of a session",
        "no live session for this pull request",
        "no session for this issue or pull request",
        "no live session for this commit",
        "no live session for this commit",
        "not a pull request of a session",
    ]
    assert (bot.facts, bot.messages, len(bot.live)) == (before, [], 1)


async def test_pull_request_of_a_deleted_fork_attaches_to_nothing(bot, github):
    await bot.starts()
    sent = github.pull(github.open_pull(body=TRAILER))
    sent.payload["pull_request"]["head"]["repo"] = None
    assert (await bot.receives(sent)).skip_reason == "not a pull request of a session"


async def test_late_delivery_does_not_undo_a_newer_one(bot, github):
    await bot.starts()
    pull = github.open_pull()
    late = github.pull(pull)
    pull.sha, pull.changed_at = "c" * 40, pull.changed_at + 5
    await bot.receives(github.pull(pull, "synchronize"))
    await bot.receives(late)
    assert bot.facts.pull_request.head_sha == "c" * 40


async def test_pull_request_closed_without_a_merge_leaves_the_session_alive(bot, github):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    pull.state, pull.changed_at = "closed", pull.changed_at + 5
    await bot.receives(github.pull(pull, "closed"))
    assert (bot.status, len(bot.live)) == (("idle", "pr_closed_waiting_decision"), 1)
    pull.state, pull.changed_at = "open", pull.changed_at + 5
    await bot.receives(github.pull(pull, "reopened"))
    assert bot.status == ("pr_open", "pr_created")


@pytest.mark.parametrize("action", ["assigned", "labeled", "locked"])
async def test_actions_that_change_no_fact_are_not_wanted(bot, github, action):
    await bot.starts()
    assert (await bot.receives(github.pull(github.open_pull(), action))).state == "ignored"


async def test_malformed_pull_request_is_about_nothing(bot, github):
    sent = github.pull(github.open_pull())
    sent.payload["pull_request"] = {"number": "five"}
    assert (await bot.receives(sent)).state == "dead"


async def test_merge_counts_whoever_reports_it(bot, github):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.merge(pull, by="a-stranger"))
    assert (bot.status, bot.live, bot.facts.pull_request.merged_by) == (("merged", "merged"), [], "a-stranger")
