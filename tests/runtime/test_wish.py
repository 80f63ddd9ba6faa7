"""What people write after `ao spawn`."""

import pytest

from runtime.errors import WrongUse
from runtime.wish import LONGEST_PROMPT, Wish
from tests.fakes.bot import a_project

TWO = {
    "app": a_project(repo="octo/app"),
    "my-lib": a_project(id="my-lib", repo="octo/lib", session_prefix="ml"),
}
ONE = {"app": TWO["app"]}


@pytest.mark.parametrize(
    ("issue", "project", "number"),
    [
        ("app/42", "app", 42),
        ("my-lib/7", "my-lib", 7),
        ("ml/7", "my-lib", 7),
        ("octo/lib#7", "my-lib", 7),
        ("Octo/Lib#7", "my-lib", 7),
        ("https://github.com/octo/lib/issues/7", "my-lib", 7),
    ],
)
def test_issue_may_name_its_project(issue, project, number):
    found, issue_number = Wish(issue=issue).place(TWO)
    assert (found.id, issue_number) == (project, number)


@pytest.mark.parametrize("issue", ["42", "#42", " 42 "])
def test_the_only_project_needs_no_name(issue):
    assert Wish(issue=issue).place(ONE) == (ONE["app"], 42)
    assert Wish(issue=issue, project="my-lib").place(TWO) == (TWO["my-lib"], 42)


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(issue="42"), "Say which project with -p: app, my-lib."),
        (Wish(prompt="x"), "Say which project with -p: app, my-lib."),
        (Wish(issue="42", project="nope"), "There is no project 'nope'; there are: app, my-lib."),
        (Wish(issue="nope/42"), "There is no project 'nope'; there are: app, my-lib."),
        (Wish(issue="app/42", project="my-lib"), "app/42 is an issue of app, and -p says my-lib"),
        (Wish(issue="INT-100"), "'INT-100' is not an issue: write its number"),
        (Wish(issue="0"), "'0' is not an issue"),
        (Wish(issue="-1"), "'-1' is not an issue"),
        (Wish(issue="4\u0662"), "is not an issue"),
        (Wish(issue=""), "'' is not an issue"),
        (Wish(issue="https://github.com/octo/lib/pull/7"), "is not an issue"),
    ],
)
def test_what_names_no_issue_is_refused_with_what_to_write(wish, told):
    with pytest.raises(WrongUse) as refused:
        wish.place(TWO)
    assert told in str(refused.value)


@pytest.mark.parametrize("wish", [Wish(issue="42"), Wish(prompt="x")])
def test_without_any_project_it_is_said_what_to_write(wish):
    with pytest.raises(WrongUse, match=r"No project is configured: write one into agent-orchestrator\.yaml"):
        wish.place({})


def test_prompt_is_taken_without_control_characters():
    assert Wish(prompt="  Do\tit\r\n\x1b[31mnow\x00 \ud800").text() == "Do\tit\n[31mnow"
    assert Wish().text() == ""
    assert len(Wish(prompt="x" * LONGEST_PROMPT).text()) == LONGEST_PROMPT


@pytest.mark.parametrize(
    ("prompt", "told"), [("x" * 4097, "has 4097 characters, and at most 4096"), (" \x00\n", "The prompt is empty")]
)
def test_prompt_that_is_no_task_is_refused(prompt, told):
    with pytest.raises(WrongUse, match=told):
        Wish(prompt=prompt).text()


def test_something_has_to_be_worked_on_and_one_branch_at_most():
    with pytest.raises(WrongUse, match="Say what to work on"):
        Wish(agent="codex").says_something()
    with pytest.raises(WrongUse, match="exclude each other"):
        Wish(branch="b", pull=1).says_something()
    Wish(issue="1", pull=1, prompt="x").says_something()
