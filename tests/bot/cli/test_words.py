"""Naming and remapping sessions, and what agents report, on the command line."""

import pytest


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
        (["session", "rename", "app-1"], 2, "give either NAME or --clear"),
        (["session", "rename", "app-1", "x", "--clear"], 2, "give either NAME or --clear"),
        (["session", "rename", "nope", "x"], 1, "Session 'nope' does not exist"),
    ],
)
def test_wrong_use_is_one_sentence_and_an_exit_code(ao, service, arguments, code, told):
    shown = ao(*arguments)
    assert shown.returncode == code
    assert told in shown.stderr
