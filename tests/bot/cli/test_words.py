"""Naming and remapping sessions, and what agents report, on the command line."""

import json

import pytest

from runtime.view import OverdueView
from tests.bot.fake_service import LONG_AGO, session


def test_session_is_renamed_with_words_and_gets_its_own_name_back(ao, service):
    assert ao("session", "rename", "app-1", "Fix", "the login").stdout == "✓ Session app-1 renamed: Fix the login\n"
    assert ao("session", "rename", "app-1", "--clear").stdout == "✓ Session app-1 renamed: Add a greeting\n"


def test_remap_says_which_id_it_found(ao, service):
    shown = ao("session", "remap", "app-1", "-f").stdout
    assert shown == "✓ Session app-1 remapped.\n  Agent session: 01K-own\n"
    assert service.asked == [("remap", "app-1", True)]


def test_remap_says_when_the_known_id_stays(ao, service):
    service.words.own_id = None
    shown = ao("session", "remap", "app-1").stdout
    assert shown.startswith("⚠ Session app-1: its agent has not said its id again; the known one stays.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["session", "rename", "nope", "x"], 1, "Session 'nope' does not exist"),
    ],
)
def test_wrong_use_is_one_sentence_and_an_exit_code(ao, service, arguments, code, told):
    shown = ao(*arguments)
    assert shown.returncode == code
    assert told in shown.stderr


def test_report_is_made_for_the_named_session_or_the_own_one(ao, service):
    assert ao("report", "working", "-s", "app-1", "--note", "so far").stdout == "✓ app-1 reported working (a → b)\n"
    assert ao("report", "working", AO_SESSION="app-3").returncode == 0
    assert ao("acknowledge", "app-2").stdout == "✓ app-2 acknowledged (a → b)\n"
    assert ao("acknowledge", AO_SESSION="app-3").returncode == 0
    assert service.asked == [
        ("report", "app-1", "working", "so far"),
        ("report", "app-3", "working", ""),
        ("report", "app-2", None, ""),
        ("report", "app-3", None, ""),
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["report", "asleep", "-s", "app-1"], 2, "Unknown state: asleep."),
        (["report", "done", "-s", "app-1"], 1, "Report rejected: done is concluded"),
        (["status", "--reports", "many"], 2, "--reports takes full or a number from 1 to 200, not 'many'"),
    ],
)
def test_wrong_report_is_one_sentence_and_an_exit_code(ao, service, arguments, code, told):
    shown = ao(*arguments)
    assert shown.returncode == code
    assert told in shown.stderr


def test_status_shows_reports_below_their_session(ao, service):
    lines = ao("status", "--reports", "2", TZ="UTC").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("app-1"))
    assert lines[at + 2 : at + 4] == [
        "  00:00 ack (new → working)",
        '  00:00 rpt done (a → a) REJECTED: done is concluded #12 "all [2Jgreen"',
    ]
    assert ("reports", None, 2) in service.asked
    rows = json.loads(ao("status", "--reports", "full", "--json").stdout)
    assert [len(row["reports"]) for row in rows] == [2, 0, 0]


def test_status_says_which_word_of_an_agent_is_missing(ao, service):
    missing = OverdueView(trigger="no_acknowledge", since=LONG_AGO, evidence="x")
    service.rows = [session("app-1", report_overdue=missing, summary="Hello")]
    assert "  working · not acknowledged · Hello\n" in ao("status").stdout
