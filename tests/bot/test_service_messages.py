"""What people want from agents, through the service to real terminals and back."""

import asyncio
from types import SimpleNamespace

import pytest

from bot.service import messages as module
from bot.service.messages import Messages
from runtime.errors import NotAllowed, UserError
from runtime.facts import Killed
from runtime.store import facts, sessions
from tests.runtime.crowd import crowd
from tests.waiting import until

SCRIPT = """
[[rule]]
match = 'Begin'
actions = [{say = 'begun'}]

[[rule]]
match = '^hang'
actions = ['stuck']

[[rule]]
match = '^ask'
actions = [{ask_permission = {question = 'May I?', choices = ['once', 'always']}}]

[[rule]]
match = '^die'
actions = [{die_after_paste = 1}]

[[rule]]
match = ''
actions = [{say = 'ok'}]
"""


def service(here):
    return Messages(SimpleNamespace(store=here.store, projects=here.projects))


def send(here, text, **more):
    return service(here).send("app-1", text, **{"author": "me", "wait": True, "patience": 60, "key": None, **more})


async def test_agent_that_is_gone_is_brought_back_and_gets_the_message():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.tmux.press(here.seen().steps[facts.SPAWNED]["pane"], "C-c", "C-c")
        await until(lambda: not here.seen().session.live)
        sent = await send(here, "Are you there?")
        assert (sent.result, sent.restored) == ("processing", True)
        assert here.took()[-1] == "Are you there?"


async def test_message_that_its_agent_dies_of_is_tried_once_more_with_another_one():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        assert (await send(here, "die")).result == "processing"
        await here.turn("ready")
        sent = await send(here, "And now?")
        assert (sent.result, sent.restored) == ("processing", True)
        assert here.took().count("And now?") == 1


async def test_failed_message_says_why(monkeypatch):
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await send(here, "hang", wait=False)
        await here.turn("active")
        sending = asyncio.create_task(send(here, "More."))
        await until(lambda: here.messages()[-1].parts.get("body") == "More.")
        monkeypatch.setattr(module, "why_not", lambda found: "no")
        killed = Killed(by="me")
        await here.store.write(lambda tx: facts.learn(tx, "app-1", killed, source="person"))
        sent = await sending
        assert sent.result == "failed"
        assert "the session has ended" in sent.reason


async def test_interrupted_agent_hears_the_text_first():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        idle = await service(here).interrupt("app-1", None, author=None, key=None)
        assert (idle.result, idle.message_id) == ("idle", None)
        await send(here, "hang")
        await here.turn("active")
        for _ in range(2):  # the same request again changes nothing
            done = await service(here).interrupt("app-1", "Stop that.", author="me", key="k")
            assert done.result == "interrupted"
        await until(lambda: here.took() == ["hang", "Stop that."])


async def test_question_is_shown_and_answered_with_a_reason():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        with pytest.raises(UserError, match="asks nothing now"):
            service(here).question("app-1")
        await send(here, "ask")
        await here.turn("waiting")
        asked = service(here).question("app-1")
        assert (asked.text, asked.choices) == ("May I?", ["once", "always"])
        with pytest.raises(UserError, match="`ao approve app-1` or `ao deny app-1` answers it"):
            await service(here).interrupt("app-1", None, author=None, key=None)
        no = {"allow": False, "choice": None, "why": "Not today.", "author": "me"}
        with pytest.raises(NotAllowed, match="app-1 is an agent"):
            await service(here).decide("app-1", asked.id, **{**no, "author": "app-1"})
        done = await service(here).decide("app-1", asked.id, **no)
        assert (done.question, done.allowed) == ("May I?", False)
        await until(lambda: here.took() == ["ask", "Not today."])


async def test_answer_names_the_choice_that_was_taken():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await send(here, "ask")
        await here.turn("waiting")
        asked = service(here).question("app-1")
        yes = {"allow": True, "choice": None, "why": None, "author": "me"}
        assert (await service(here).decide("app-1", asked.id, **yes)).answer == "once"


@pytest.mark.parametrize(("place", "where"), [(0, ""), (2, " \\(number 2 in the queue\\)")])
async def test_session_without_a_terminal_is_neither_interrupted_nor_asked(bot, place, where):
    await bot.receives(bot.github.label(bot.github.open_issue()))
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", queue_position=place))
    alone, before = Messages(SimpleNamespace(store=bot.store, projects=bot.projects)), len(bot.messages)
    told = f"app-1 has not started yet{where}: leave it a message with `ao send app-1 TEXT`"
    with pytest.raises(UserError, match=told):
        await alone.interrupt("app-1", "Do that.", author=None, key=None)
    with pytest.raises(UserError, match=told):
        alone.question("app-1")
    assert (len(bot.messages), bot.facts.interrupt) == (before, None)


async def test_what_an_agent_does_not_answer_is_not_waited_for_without_end(bot, monkeypatch):
    monkeypatch.setattr(module, "CARRIED_OUT_WITHIN", 0.01)
    await bot.starts(turn="active")  # and nobody keeps the session
    alone = Messages(SimpleNamespace(store=bot.store, projects=bot.projects))
    with pytest.raises(UserError, match=r"app-1 has not been reached: look at it with `ao session attach app-1`$"):
        await alone.interrupt("app-1", None, author=None, key=None)
    with pytest.raises(UserError, match=r"attach app-1`; your words are queued for it and need not be sent again$"):
        await alone.interrupt("app-1", "Do that.", author=None, key=None)
    assert (bot.messages[-1].parts["body"], bot.messages[-1].state) == ("Do that.", "queued")
    await bot.learns(Killed(by="me"))
    with pytest.raises(UserError, match="the agent of app-1 has ended: `ao session restore app-1`"):
        await alone.interrupt("app-1", None, author=None, key=None)
