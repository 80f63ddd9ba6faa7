"""Raw hooks are taken in as their agent understands them."""

import pytest

from runtime.store import messages
from tests.fakes.bot import a_project


@pytest.fixture
async def bot(make_bot):
    bot = make_bot(a_project(agent="claude-code"))
    await bot.starts()
    return bot


@pytest.fixture
def hook(bot, tmp_path):
    """Returns a function that lets the agent's hook push."""

    async def push(event, **body):
        await bot.pushes(tmp_path / "pushes.jsonl", {"kind": "hook", "hook": {"hook_event_name": event, **body}})
        return bot.facts.turn

    return push


ONE = {"tool_name": "Bash", "tool_input": {"command": "one"}}
OTHER = {"tool_name": "Bash", "tool_input": {"command": "other"}}


async def test_turn_and_receipt_come_from_hooks(bot, hook):
    add = {"kind": "person", "author": "me", "parts": {"body": "Hello"}, "text": "Hello", "state": "pasted"}
    name = bot.session.id
    await bot.store.write(lambda tx: messages.add(tx, name, source_key="k", **add))
    assert (await hook("UserPromptSubmit", prompt="Hello\n")).state == "active"
    assert [message.state for message in bot.messages] == ["accepted"]
    turn = await hook("Stop", last_assistant_message="Bye.")
    assert (turn.state, turn.last_message, turn.at) == ("ready", "Bye.", bot.clock())


async def test_only_the_use_of_what_was_asked_about_ends_the_waiting(hook):
    await hook("UserPromptSubmit", prompt="go")
    assert (await hook("PermissionRequest", **ONE)).question == "Bash: one"
    assert (await hook("PostToolUse", **OTHER)).state == "waiting"
    assert (await hook("PostToolUse", **ONE)).state == "active"


async def test_use_of_a_tool_after_the_turn_changes_nothing(hook):
    ended = await hook("Stop", last_assistant_message="Bye.")
    assert await hook("PostToolUse", **ONE) == ended


async def test_interruption_while_it_is_ready_changes_nothing(hook):
    ended = await hook("Stop", last_assistant_message="Bye.")
    assert await hook("Interrupt") == ended
    await hook("UserPromptSubmit", prompt="go")
    assert (await hook("Interrupt")).state == "ready"


async def test_hook_that_means_nothing_is_passed_over(hook):
    before = await hook("Stop")
    assert await hook("SomethingNew", prompt=["odd"]) == before
