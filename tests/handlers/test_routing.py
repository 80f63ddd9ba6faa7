"""What a delivery is about."""

import json

import pytest

from handlers.routing import addresses, read
from tests.fakes.github import SHA


def about(sent):
    return addresses(sent.event, read(json.dumps(sent.payload).encode()))


def test_issues_and_comments_are_about_their_number(github):
    issue = github.open_issue()
    expected = ["issue:octo/app#1", "pr:octo/app#1"]
    assert about(github.label(issue)) == about(github.comment(issue, "Hi")) == expected


def test_pull_requests_are_found_by_number_commit_branch_and_trailer(github):
    pull = github.open_pull(body="Agent-Session: app-1\nAgent-Session: app-2")
    assert about(github.pull(pull)) == [
        "pr:octo/app#1", f"sha:octo/app@{SHA}", "branch:octo/app:ao/app-1", "trailer:octo/app:app-1",
        "trailer:octo/app:app-2",
    ]  # fmt: skip


def test_forks_are_found_by_number_only(github):
    pull = github.open_pull(body="Agent-Session: app-1", fork=True)
    assert about(github.pull(pull)) == about(github.review(pull, "approved")) == ["pr:octo/app#1"]


def test_checks_are_found_by_commit_and_branch_of_the_repository_itself(github):
    own = [f"sha:octo/app@{SHA}", "branch:octo/app:ao/app-1"]
    assert about(github.check("t", "failure")) == about(github.suite("failure")) == own
    assert about(github.check("t", "failure", branch=None)) == about(github.suite("failure", branch=None)) == []


def test_check_without_a_suite_is_about_nothing(github):
    sent = github.check("t", "failure")
    del sent.payload["check_run"]["check_suite"]
    assert about(sent) == []


def test_pushes_are_found_by_branch_and_trailers(github):
    sent = github.push("main", SHA, "One\n\nAgent-Session: app-1", "Two\n\nAgent-Session: app-1", "Three")
    assert about(sent) == ["branch:octo/app:main", "trailer:octo/app:app-1"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"issue": 5}',
        b'{"repository": {}}',
        b"[" * 100_000,
        b'{"repository": {"full_name": "\xff"}}',
    ],
)
@pytest.mark.parametrize("event", ["issues", "pull_request", "check_run", "check_suite", "push", "ping"])
def test_odd_payloads_are_about_nothing(event, body):
    assert addresses(event, read(body)) == []


@pytest.mark.parametrize("odd", ['"issue": 5', '"check_run": []', '"commits": [{}]', '"ref": {}'])
def test_odd_payload_still_tells_its_repository(odd):
    payload = read(b'{"action": "opened", "repository": {"full_name": "O/R"}, %s}' % odd.encode())
    assert (payload.action, payload.repository.full_name) == ("opened", "O/R")
    assert (payload.issue, payload.check_run, payload.commits) == (None, None, [])


@pytest.mark.parametrize("event", ["issues", "pull_request", "check_run", "check_suite", "push", "star"])
def test_payloads_that_lack_their_subject_lead_to_no_session(event):
    found = addresses(event, read(b'{"repository": {"full_name": "O/R"}}'))
    assert found in ([], ["issue:o/r#0", "pr:o/r#0"], ["branch:o/r:"])
