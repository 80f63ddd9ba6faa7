"""What people and agents say about sessions, as the running service takes it in."""

import json
from types import SimpleNamespace

import pytest

from bot.api.operation import Unknown
from bot.service import words as words_module
from bot.service.words import Words
from runtime.agents import Capabilities
from runtime.errors import UserError, WrongUse
from runtime.facts import Killed
from runtime.launch import LaunchPlace
from tests.fakes.bot import a_project
from tests.fakes.hands import FakeTmux, FakeWorkspaces

SAID = {"kind": "hook", "hook": {"hook_event_name": "Stop", "session_id": "own-1"}}


@pytest.fixture
def make_words(tmp_path):
    def make(bot):
        tmux = FakeTmux([])
        tmux.attach_command = lambda name: f"attach {name}"
        desk = SimpleNamespace(place=lambda name: LaunchPlace(tmp_path / name))
        return Words(
            SimpleNamespace(
                store=bot.store, projects=bot.projects, tmux=tmux, desk=desk, workspaces=FakeWorkspaces(tmp_path, [])
            )
        )

    return make


@pytest.fixture
async def words(bot, make_words):
    await bot.starts()
    return make_words(bot)


@pytest.fixture
async def claudes(make_bot, make_words):
    bot = make_bot(a_project(agent="claude-code"))
    await bot.starts()
    return bot, make_words(bot)


async def test_session_has_the_name_it_was_given_until_that_is_taken_back(bot, words):
    renamed = await words.rename("app-1", "  The   login ")
    assert renamed.display_name == "The login"
    assert (await words.rename("app-1", "")).display_name == renamed.title
    with pytest.raises(WrongUse, match="The name has nothing to see in it"):
        await words.rename("app-1", "\u200b")
    with pytest.raises(Unknown):
        await words.rename("app-9", "x")


async def test_agent_without_an_id_of_its_own_cannot_be_remapped(words, monkeypatch):
    monkeypatch.setattr(words_module, "named", lambda name: SimpleNamespace(name="aider", capabilities=Capabilities()))
    with pytest.raises(UserError, match="aider keeps no session id of its own"):
        await words.remap("app-1", force=True)


async def test_own_id_is_found_again(claudes, tmp_path):
    bot, words = claudes
    with pytest.raises(UserError, match="has not said its session id yet"):
        await words.remap("app-1", force=False)
    (tmp_path / "app-1").mkdir()
    (tmp_path / "app-1/pushes.jsonl").write_text(json.dumps(SAID) + "\n")
    mapped = await words.remap("app-1", force=False)
    assert (mapped.agent_session_id, mapped.before, mapped.found) == ("own-1", None, True)
    assert bot.facts.agent_info.native_id == "own-1"


async def test_known_id_stays_when_it_is_not_found_again_unless_it_shall_be_forgotten(claudes, tmp_path):
    bot, words = claudes
    await bot.pushes(tmp_path / "elsewhere", SAID)
    mapped = await words.remap("app-1", force=False)
    assert (mapped.agent_session_id, mapped.found) == ("own-1", False)
    with pytest.raises(UserError):
        await words.remap("app-1", force=True)
    assert bot.facts.agent_info.native_id == ""


async def test_person_reports_for_a_session(bot, words):
    told = await words.report("app-1", "needs-input", "Which colour?")
    assert told.text == "✓ app-1 reported needs_input (working → needs_input)"
    assert (await words.report("app-1", None, "")).text.startswith("✓ app-1 acknowledged")
    with pytest.raises(WrongUse, match="Unknown state"):
        await words.report("app-1", "asleep", "")
    await bot.learns(Killed(by="me"))
    with pytest.raises(UserError, match=r"Report rejected: the session has ended \(killed\)"):
        await words.report("app-1", "working", "")


async def test_newest_reports_of_each_session_are_listed_oldest_first(bot, words):
    await bot.starts()
    for state in ("started", "working", "fixing_ci"):
        await words.report("app-1", state, "")
    await words.report("app-2", None, "")
    listed = words.reports(None, limit=2)
    assert [(one.session_id, one.what, one.state) for one in listed] == [
        ("app-1", "report", "working"), ("app-1", "report", "fixing_ci"), ("app-2", "acknowledge", ""),
    ]  # fmt: skip
    assert [one.session_id for one in words.reports("app-2", limit=200)] == ["app-2"]
    assert {(one.source, one.accepted) for one in listed} == {("person", True)}
