"""Answers a question of the agent for a person: that very question, once, and no other."""

import hashlib

import msgspec

from runtime.agents import Capabilities
from runtime.ear import Ear
from runtime.errors import UserError
from runtime.facts import Facts
from runtime.hands import Hands
from runtime.look import Look, look
from runtime.requests import RESTLESS, confirmed, press, settle, why_no_key
from runtime.said import Decision
from runtime.store import facts
from runtime.store.tx import Tx

TRIES = 3

NO_QUESTION = "{id} asks nothing now: `ao status` shows what it does"
ANOTHER = "{id} asks something else by now: {question}"
ANSWERED = "{by} has answered this already: {answer}"
NO_CHOICE = "{id} offers no answer {choice}: {offered}"
AT_THE_TERMINAL = "{agent} is answered in its own terminal: `ao session attach {id}`"
GONE_ON = "the agent has gone on"
STILL_OPEN = "the agent still shows the question: answer it in its terminal, `ao session attach {id}`"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent asks; `choices` are numbered from 1. The id is of this asking: the same words again get another."""

    id: str
    text: str
    choices: tuple[str, ...]
    asked_at: float


def open_question(known: Facts) -> Question | None:
    """Return what the agent asks now, or None."""
    turn = known.turn
    if turn is None or turn.state != "waiting":
        return None
    identity = "\n".join([str(turn.number), str(turn.at), turn.question, *turn.choices])
    short = hashlib.sha256(identity.encode()).hexdigest()[:12]
    return Question(id=short, text=turn.question, choices=turn.choices, asked_at=turn.at)


def decide(tx: Tx, name: str, can: Capabilities, decision: Decision) -> None:
    """Commit a person's decision; the session's keeper carries it out. A yes to several choices is the first of them.

    Raises:
        UserError: that question is not open, or answered; or nobody but a person at the terminal can answer it.

    """
    seen = look(tx.sql, name)
    asked = open_question(seen.facts) if seen is not None else None
    if seen is None or asked is None:
        raise UserError(NO_QUESTION.format(id=name))
    if asked.id != decision.question_id:
        raise UserError(ANOTHER.format(id=name, question=asked.text))
    before = seen.facts.decision
    if before is not None and before.question_id == asked.id and before.state != "failed":
        said = before.answer or ("yes" if before.allow else "no")
        raise UserError(ANSWERED.format(by=before.by, answer=said))
    decided = _of_its_choices(name, asked, decision)
    by_number = decided.choice is not None and decided.choice > 1
    if not (can.allow_keys if decision.allow else can.deny_keys) or (by_number and not can.choice_keys):
        raise UserError(AT_THE_TERMINAL.format(agent=seen.session.agent, id=name))
    facts.learn(tx, name, decided, source="person")


def _of_its_choices(name: str, asked: Question, decision: Decision) -> Decision:
    """Return the decision in the words of the question; a yes without a number is the first choice."""
    which = decision.choice or 1
    if not 1 <= which <= max(1, len(asked.choices)):
        offered = ", ".join(f"{number} {text}" for number, text in enumerate(asked.choices, 1)) or "yes or no"
        raise UserError(NO_CHOICE.format(id=name, choice=which, offered=offered))
    if not decision.allow or not asked.choices:
        return msgspec.structs.replace(decision, question=asked.text, choice=None)
    return msgspec.structs.replace(decision, question=asked.text, choice=which, answer=asked.choices[which - 1])


def is_due(seen: Look) -> bool:
    """Tell whether a person's decision has to be carried out."""
    return seen.facts.decision is not None and seen.facts.decision.open


async def answer(hands: Hands, seen: Look) -> None:
    """Press the keys of the decision at the question that it was made about, and see to it that the agent goes on.

    Keys that may have been pressed before a crash are not pressed again.
    """
    decision, name = seen.facts.decision, seen.session.id
    assert decision is not None  # noqa: S101 - `is_due` has looked
    ear, again = Ear(hands, name), decision.state == "pressed"
    for _ in range(TRIES):
        now = await ear.look()
        if why := why_no_key(now):
            return await settle(hands, name, decision, "failed", why)
        assert now is not None  # noqa: S101 - `why_no_key` has looked
        if not _is_open(now, decision):
            state, why = ("done", GONE_ON) if again else ("failed", NO_QUESTION.format(id=name))
            return await settle(hands, name, decision, state, why)  # type: ignore[arg-type]  # one of two literals
        if again:
            return await settle(hands, name, decision, "failed", STILL_OPEN.format(id=name))
        await settle(hands, name, decision, "pressed", "the answer is typed")
        keys = _keys(hands.agents(now.session.agent).capabilities, decision)
        if await press(hands, now, ear, keys) == "pressed":
            again = True
            await confirmed(hands, name, ear, lambda look: not _is_open(look, decision))
    return await settle(hands, name, decision, "failed", RESTLESS)


def _is_open(now: Look, decision: Decision) -> bool:
    asked = open_question(now.facts)
    return asked is not None and asked.id == decision.question_id


def _keys(can: Capabilities, decision: Decision) -> tuple[str, ...]:
    if decision.choice is not None and can.choice_keys:
        return (str(decision.choice),)
    return can.allow_keys if decision.allow else can.deny_keys
