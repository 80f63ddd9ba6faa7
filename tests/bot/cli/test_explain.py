"""`ao explain` as a person types it."""

import json
from pathlib import Path

import pytest

from bot.api.explain import Explanation, StepView
from tests.bot.fake_service import LONG_AGO

GOLDEN = Path(__file__).parent / "golden"
GUID = "3fd2c3f0-5d3e-11ef-9d8a-7d5f3f8d5f02"


@pytest.fixture(autouse=True)
def explained(service):
    came = StepView(
        at=LONG_AGO, cause="GitHub sent issue_comment.created", level="info", delivery=GUID,
        effects=[
            "octo may write to o/my-app",
            "message 7: comment from octo queued → typed after 1 s, accepted after 1.4 s, answered after 41 s; "
            "comment on #12 → sent after 0.6 s",
        ],
    )  # fmt: skip
    asks = StepView(at=LONG_AGO, cause="The agent", effects=["working → needs_input (asked)"], level="warning")
    service.explanations = {
        "app-1": Explanation(
            name="app-1", about="session", left_out=12, chain=[came, asks],
            now=[
                'app-1 is for issue #12 of o/my-app, "Add a greeting", with the agent scripted. octo asked for it 10 '
                "min ago. Its branch is ao/app-1.",
                "It has been needs_input for 60 s: its agent waits for a person (awaiting user input).",
                'The agent waits for a decision: "May I\x1b]0;owned\x07 delete it?" (the agent\'s own word, 60 s ago).',
            ],
            waits_for=["Answer with: ao send app-1 TEXT, or in its terminal: ao session attach app-1"],
        ),
        GUID: Explanation(
            name=GUID, about="delivery", chain=[], waits_for=[],
            now=[f"{GUID} is issue_comment.created, which GitHub sent 3 min ago.", "comments.tell did nothing."],
        ),
    }  # fmt: skip


@pytest.mark.parametrize("width", ["60", "80", "120"])
def test_a_session_is_explained_at_every_width(ao, service, width):
    shown = ao("explain", "app-1", COLUMNS=width, TZ="UTC")
    assert shown.stderr == ""
    assert shown.stdout == (GOLDEN / f"explain_{width}.txt").read_text()
    assert max(len(line) for line in shown.stdout.splitlines()) <= int(width)
    assert not set(shown.stdout) & {"\x1b", "\x07"}


def test_a_delivery_is_explained_without_a_story_when_it_led_to_nothing(ao, service):
    shown = ao("explain", GUID)
    assert shown.stdout == (
        f"{GUID} is issue_comment.created, which GitHub sent\n  3 min ago.\ncomments.tell did nothing.\n"
    )


def test_scripts_get_the_same_as_json(ao, service):
    found = json.loads(ao("explain", "app-1", "--json", "-n", "5").stdout)
    assert (found["about"], found["leftOut"], found["chain"][1]["effects"]) == (
        "session", 12, ["working → needs_input (asked)"],
    )  # fmt: skip
    assert service.asked == [("explain", "app-1", 5)]


def test_what_nobody_knows_is_said(ao, service):
    shown = ao("explain", "app-9")
    assert (shown.returncode, shown.stderr) == (1, "There is no session or delivery app-9\n")
