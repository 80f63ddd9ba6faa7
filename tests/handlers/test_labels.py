"""Labels that show the state."""

import pytest

from handlers.labels import label_for
from runtime.facts import Killed, Turn
from runtime.metadata_edits import Edit, apply
from runtime.project import Labels
from runtime.status import ENDED, Status


@pytest.mark.parametrize("status", ["", *Status])
def test_each_status_has_its_label_or_none(status):
    shown = {"": "", "needs_input": "agent:needs-input", "merged": "agent:done"}
    expected = shown.get(status, "" if status in ENDED else "agent:working")
    assert label_for(status, Labels()) == expected


async def test_labels_follow_the_session(bot, github):
    issue = github.open_issue()
    await bot.starts(issue, turn="active")
    for fact in (Turn(state="waiting", question="?"), Turn(state="active"), Killed(by="me")):
        bot.clock.passes(1)
        await bot.learns(fact)
    kinds = [(row.kind, row.payload["name"]) for row in bot.rows("outbox") if row.kind in ("label", "unlabel")]
    assert kinds == [
        ("label", "agent:working"),
        ("label", "agent:needs-input"), ("unlabel", "agent:working"),
        ("label", "agent:working"), ("unlabel", "agent:needs-input"),
        ("unlabel", "agent:working"),
    ]  # fmt: skip
    assert {row.payload["number"] for row in bot.rows("outbox") if "label" in row.kind} == {issue.number}


async def test_label_goes_with_the_session_to_another_issue(bot, github):
    first, second = github.open_issue(), github.open_issue()
    await bot.starts(first)
    edit = Edit(issue=await bot.forge.issue("octo/app", second.number))
    await bot.store.write(lambda tx: apply(tx, "app-1", edit, []))
    moved = [(row.kind, row.payload["number"]) for row in bot.rows("outbox") if "label" in row.kind]
    assert moved == [("label", first.number), ("label", second.number), ("unlabel", first.number)]
