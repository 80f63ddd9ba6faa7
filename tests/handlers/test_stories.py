"""Stories are found by themselves."""

import sys

import pytest

import handlers
from handlers import outbound
from handlers.stories import Stories, routers

INBOUND = '''"""Thank for stars."""

from gidgethub.routing import Router

router = Router()


@router.register("star", action="created")
async def thank(delivery, ctx):
    delivery.skip("you are welcome")
'''
OUTBOUND = '''"""Note every change."""

from handlers.outbound import on
from runtime.changes import StatusChanged


@on(StatusChanged)
def note(change, tx, project):
    tx.record("noted", f"{change.session.id} {change.judgement.status}")
'''


@pytest.fixture
def new_story(tmp_path, monkeypatch):
    """Return a function that drops a file beside the handlers."""
    monkeypatch.setattr(handlers, "__path__", [*handlers.__path__, str(tmp_path)])
    monkeypatch.setattr(outbound, "STORIES", outbound.STORIES)
    before = {change: list(stories) for change, stories in outbound.STORIES.items()}
    yield lambda name, text: (tmp_path / f"{name}.py").write_text(text)
    for change, stories in outbound.STORIES.items():
        stories[:] = before.get(change, [])
    for name in [name for name in sys.modules if name.startswith("handlers.dummy")]:
        del sys.modules[name]


async def test_new_file_is_a_story_and_nothing_else_changes(new_story, make_bot, github):
    new_story("dummy_stars", INBOUND)
    bot = make_bot()
    sent = github.push("main")
    entry = await bot.receives(sent._replace(event="star", payload={**sent.payload, "action": "created"}))
    assert (entry.state, entry.skip_reason) == ("done", "you are welcome")


async def test_new_file_tells_of_changes_and_nothing_else_changes(new_story, make_bot, github):
    new_story("dummy_notes", OUTBOUND)
    bot = make_bot()
    await bot.receives(github.label(github.open_issue()))
    assert bot.records("noted") == ["app-1 spawning"]


def test_stories_come_by_name_in_a_fixed_order():
    found = [name for name, _ in Stories().of("issues", "closed")]
    assert found == ["issues.end_with_issue"]


@pytest.mark.parametrize(
    ("event", "action", "handled"),
    [
        ("issues", "labeled", True),
        ("issues", "pinned", False),
        ("issues", None, False),
        ("push", None, True),
        ("push", "anything", True),
        ("sponsorship", "created", False),
    ],
)
def test_only_what_has_a_story_is_wanted(event, action, handled):
    assert Stories().handles(event, action) is handled


def test_stories_may_be_given():
    assert Stories([]).events() == {}
    assert len(routers()) >= 6
