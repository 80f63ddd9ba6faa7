"""The name that people read."""

import pytest

from runtime.display import display_name, tidy
from runtime.said import Noted
from tests.fakes.sessions import facts, session

CALLED = Noted(key="displayName", value="Login")
TAKEN_BACK = Noted(key="displayName", value="")


@pytest.mark.parametrize(
    ("known", "noted", "name"),
    [
        ({}, (), "Add a greeting"),
        ({}, (CALLED,), "Login"),
        ({}, (TAKEN_BACK,), "Add a greeting"),
        ({"issue": None, "task": "\n\n## Fix   it ##\nsoon"}, (), "Fix it"),
        ({"issue": None, "task": "#\n ### \n"}, (), "Add a greeting"),
        ({"issue": None, "task": "", "title": " "}, (), "app-1"),
        ({"title": "\tAdd \n it"}, (), "Add it"),
    ],
)
def test_name_is_what_a_person_said_else_the_issue_else_the_tasks_first_line(known, noted, name):
    assert display_name(session(**known), facts(noted=noted)) == name


def test_name_has_no_characters_that_cannot_be_seen():
    assert tidy("a\u202eb \u200b c\x1b[2J\td\ufeff") == "ab c[2J d"
    assert tidy("\u200b \u2060") == ""


def test_long_names_end_in_an_ellipsis_at_80_code_points():
    assert tidy("ü" * 80) == "ü" * 80
    assert tidy("ü" * 81) == "ü" * 79 + "…"
    assert len(tidy("word " * 40)) <= 80
