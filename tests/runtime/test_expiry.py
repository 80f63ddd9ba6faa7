"""What need not be said any more."""

import pytest

from runtime.expiry import PASSED, TOO_LATE, newest, why_expired
from runtime.facts import Check, Pushed
from runtime.inbox import PASTED
from tests.fakes.clock import NOW
from tests.fakes.github import SHA
from tests.fakes.sessions import facts, message, pull_request

NEWER = "b" * 40
RED = {"tests": {"head_sha": SHA}, "lint": {"head_sha": SHA}}


def check(name, conclusion, sha=SHA):
    return Check(at=NOW, name=name, head_sha=sha, conclusion=conclusion)


GREEN = (check("tests", "success"), check("lint", "neutral"))


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({}, None),
        ({"pull_request": pull_request()}, None),
        ({"pull_request": pull_request(head_sha=NEWER)}, "a newer commit, bbbbbbb, has been pushed since"),
        ({"pushed": (Pushed(at=NOW, sha=NEWER),)}, "a newer commit, bbbbbbb, has been pushed since"),
        ({"checks": GREEN}, PASSED),
        ({"checks": (*GREEN[:1], check("lint", "failure"))}, None),
        ({"checks": GREEN[:1]}, None),
        ({"checks": tuple(check(one.name, "success", NEWER) for one in GREEN)}, None),
    ],
)
def test_failed_checks_are_told_while_they_are_news(known, why):
    assert why_expired(message("ci", parts=RED), facts(**known), NOW) == why


def test_what_people_said_stays_true():
    assert why_expired(message("comment"), facts(pull_request=pull_request(head_sha=NEWER), checks=GREEN), NOW) is None


def test_message_may_be_of_use_for_a_while_only():
    short = message("person", expires_at=NOW + 5)
    assert why_expired(short, facts(), NOW + 4.9) is None
    assert why_expired(short, facts(), NOW + 5) == TOO_LATE


def test_what_was_begun_to_be_typed_is_seen_through():
    assert why_expired(message("ci", parts=RED, state=PASTED, expires_at=NOW), facts(checks=GREEN), NOW + 9) is None


def test_newest_commit_is_the_one_pushed_last():
    older = Pushed(at=NOW - 5, sha="c" * 40)
    assert newest(facts(pull_request=pull_request(), pushed=(older,))) == SHA
    assert newest(facts(pushed=(older,))) == older.sha
    assert newest(facts()) == ""
