"""Interrupting an agent, and answering what it asks: at a real terminal, by the agent's own word."""

import asyncio
import dataclasses

import msgspec
import pytest

from runtime import agents
from runtime.agents import Capabilities
from runtime.answering import decide, open_question
from runtime.errors import UserError
from runtime.facts import Killed
from runtime.interrupting import ASKS, IDLE, STILL_BUSY, STOPPED
from runtime.requests import GONE, SILENT, why_no_key
from runtime.said import Decision, Interrupt
from runtime.store import facts
from runtime.words import level, words
from tests.runtime.crowd import QUICK, crowd
from tests.waiting import until

SCRIPT = """
[[rule]]
match = 'Begin'
actions = [{say = 'begun'}]

[[rule]]
match = '^hang'
actions = [{restore_prompt = 1}, 'stuck']

[[rule]]
match = '^deaf'
actions = [{deaf = {seconds = 0.3}}, 'stuck']

[[rule]]
match = '^dig in'
actions = [{deaf = {seconds = 60}}, 'stuck']

[[rule]]
match = '^choose'
actions = [{ask_permission = {question = 'Which one?', choices = ['the first', 'the second']}}]

[[rule]]
match = '^ask'
actions = [{ask_permission = 'May I?'}, {say = 'did it'}]

[[rule]]
match = ''
actions = [{say = 'ok'}]
"""


async def interrupt(here, name="app-1"):
    await here.store.write(lambda tx: facts.learn(tx, name, Interrupt(by="me"), source="person"))
    await until(lambda: not here.seen(name).facts.interrupt.open)
    fact = here.seen(name).facts.interrupt
    return fact.state, fact.evidence


async def answer(here, *, allow=True, choice=None, question=None, name="app-1", can=None):
    asked = open_question(here.seen(name).facts)
    wanted = Decision(by="me", question_id=question or asked.id, question="", allow=allow, choice=choice)
    can = can or agents.named("scripted").capabilities
    await here.store.write(lambda tx: decide(tx, name, can, wanted))
    await until(lambda: not here.seen(name).facts.decision.open)
    return here.seen(name).facts.decision


async def test_busy_agent_stops_and_hears_first_what_it_was_interrupted_for():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.say("hang")
        await here.turn("active")
        await here.say("an earlier one")
        await here.say("listen", kind="interrupt")
        assert await interrupt(here) == ("done", STOPPED)
        await until(lambda: len(here.took()) == 3)
        assert here.took() == ["hang", "listen", "an earlier one"]


async def test_key_that_got_lost_is_pressed_once_more_while_the_agent_says_it_is_busy():
    async with crowd(SCRIPT, patience=dataclasses.replace(QUICK, confirm_key=4.0)) as here:
        await here.turn("ready")
        await here.say("deaf")
        await here.turn("active")
        assert await interrupt(here) == ("done", STOPPED)


async def test_agent_that_goes_on_all_the_same_is_said_to():
    async with crowd(SCRIPT, patience=dataclasses.replace(QUICK, confirm_key=0.5)) as here:
        await here.turn("ready")
        await here.say("dig in")
        await here.turn("active")
        assert await interrupt(here) == ("failed", STILL_BUSY.format(id="app-1"))
        fact = here.seen().facts.interrupt
        assert (level(fact), words(fact)) == ("warning", f"me interrupts the agent, in vain: {fact.evidence}")


async def test_idle_agent_gets_no_key_and_a_dialog_is_not_denied_by_it():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        assert await interrupt(here) == ("done", IDLE)
        await here.say("ask")
        await here.turn("waiting")
        assert await interrupt(here) == ("failed", ASKS.format(id="app-1"))
        assert here.pressed() == []


@pytest.mark.parametrize(("allow", "key", "last"), [(True, "y", "did it"), (False, "n", "Not allowed: May I?")])
async def test_question_is_answered_for_a_person(allow, key, last):
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.say("ask")
        await here.turn("waiting")
        done = await answer(here, allow=allow)
        assert (done.state, done.by, done.question) == ("done", "me", "May I?")
        assert words(done) == f'me answers "May I?" with {"yes" if allow else "no"}: the agent has gone on'
        await here.turn("ready")
        assert here.seen().facts.turn.last_message == last
        assert here.pressed() == [key]


async def test_choice_is_taken_by_its_number():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.say("choose")
        await here.turn("waiting")
        assert open_question(here.seen().facts).choices == ("the first", "the second")
        with pytest.raises(UserError, match="offers no answer 3: 1 the first, 2 the second"):
            await answer(here, choice=3)
        done = await answer(here, choice=2)
        assert (done.state, done.choice, done.answer) == ("done", 2, "the second")
        assert words(done) == 'me answers "Which one?" with "the second": the agent has gone on'
        await here.turn("ready")
        assert here.seen().facts.turn.last_message == "Chosen: the second"


async def test_yes_to_several_choices_is_the_first_of_them_and_is_said_to_be():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.say("choose")
        await here.turn("waiting")
        done = await answer(here)
        assert (done.choice, done.answer) == (1, "the first")
        await here.turn("ready")
        assert here.seen().facts.turn.last_message == "Chosen: the first"


async def test_choice_is_not_taken_for_another_where_an_agent_has_no_keys_for_them():
    no_numbers = msgspec.structs.replace(agents.named("scripted").capabilities, choice_keys=False)
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.say("choose")
        await here.turn("waiting")
        with pytest.raises(UserError, match="is answered in its own terminal"):
            await answer(here, choice=2, can=no_numbers)


async def test_answer_is_for_the_question_that_was_shown_and_for_no_other():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        with pytest.raises(UserError, match="app-1 asks nothing now"):
            await answer(here, question="0123")
        await here.say("ask")
        await here.turn("waiting")
        first = open_question(here.seen().facts).id
        await answer(here)
        await here.turn("ready")
        await here.say("ask again")
        await here.turn("waiting")
        with pytest.raises(UserError, match=r"asks something else by now: May I\?"):
            await answer(here, question=first)
        assert here.pressed() == ["y"]


async def test_question_is_answered_once():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.say("ask")
        await here.turn("waiting")
        both = await asyncio.gather(answer(here), answer(here, allow=False), return_exceptions=True)
        assert [type(one) for one in both] == [Decision, UserError]
        assert "me has answered this already: yes" in str(both[1])
        assert here.pressed() == ["y"]


async def test_answer_that_a_crash_cut_off_is_not_typed_again():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.say("ask")
        await here.turn("waiting")
        asked = open_question(here.seen().facts)
        cut_off = Decision(by="me", question_id=asked.id, question="", allow=True, state="pressed")
        await here.store.write(lambda tx: facts.learn(tx, "app-1", cut_off, source="person"))
        await until(lambda: here.seen().facts.decision.state == "failed")
        assert "still shows the question" in here.seen().facts.decision.evidence
        assert here.pressed() == []
        assert (await answer(here)).state == "done"  # it has failed, so it may be given again


async def test_agent_that_is_answered_at_its_terminal_only_is_left_alone():
    async with crowd(SCRIPT) as here:
        await here.turn("ready")
        await here.say("ask")
        await here.turn("waiting")
        with pytest.raises(UserError, match="scripted is answered in its own terminal: `ao session attach app-1`"):
            await answer(here, can=Capabilities())


def test_no_key_is_pressed_without_an_agent(bot):
    assert why_no_key(None) == "the session has ended"


async def test_no_key_is_pressed_where_nobody_listens(bot, tmp_path):
    from runtime.look import look

    def seen():
        return bot.store.read(lambda sql: look(sql, "app-1"))

    await bot.starts()
    assert why_no_key(seen()) is None
    silent = msgspec.structs.replace(seen().facts, turn=None)
    assert why_no_key(msgspec.structs.replace(seen(), facts=silent)) == SILENT
    dead = msgspec.structs.replace(seen().facts.process, pid=2**22 + 1)
    assert why_no_key(msgspec.structs.replace(seen(), facts=msgspec.structs.replace(silent, process=dead))) == GONE
    await bot.learns(Killed(by="me"))
    assert why_no_key(seen()) == "the session has ended"
