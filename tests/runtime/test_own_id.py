"""The agent's own session id is learnt from its hooks, and found again in what it has pushed."""

import json

import pytest

from runtime import own_id
from runtime.agents import named
from tests.fakes.bot import a_project

NOW = 1_790_000_000.0


def hook(own, event="Stop"):
    return {"kind": "hook", "hook": {"hook_event_name": event, "session_id": own}}


@pytest.fixture(params=["claude-code", "codex"])
async def bot(request, make_bot):
    bot = make_bot(a_project(agent=request.param))
    await bot.starts()
    return bot


async def test_agents_own_id_is_learnt_from_any_hook_once(bot, tmp_path):
    await bot.pushes(tmp_path / "pushes", hook("one"), hook("one", "UserPromptSubmit"), hook("one", "Unknown"))
    info = bot.facts.agent_info
    assert (info.native_id, info.cost_usd) == ("one", None)
    assert bot.records("fact").count("app-1: the agent's own records were read") == 1


async def test_agent_that_begins_anew_has_another_id(bot, tmp_path):
    await bot.pushes(tmp_path / "pushes", hook("one"), hook("two"), hook(""), hook(7))
    assert bot.facts.agent_info.native_id == "two"


def test_last_id_that_was_said_is_found_again(tmp_path):
    file = tmp_path / "pushes"
    assert own_id.said_in(file, named("codex"), now=NOW) == ""
    lines = [hook("one"), {"kind": "ready"}, hook("two"), {"kind": "hook", "hook": {"payload": {}, "session_id": "x"}}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert own_id.said_in(file, named("codex"), now=NOW) == "two"
    assert own_id.said_in(file, named("scripted"), now=NOW) == ""
    file.write_text('{"kind": "ready", "own": "mine"}\n{"kind": "ready"}\n')
    assert own_id.said_in(file, named("scripted"), now=NOW) == "mine"


async def test_nothing_is_learnt_for_a_session_that_is_gone(bot):
    await bot.store.write(lambda tx: own_id.learn(tx, "app-9", "x", source="person"))
    assert bot.rows("facts", session_id="app-9") == []
