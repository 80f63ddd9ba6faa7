"""The chain of what happened: one step for each transaction, its cause, and what followed from it.

What became of a message or of a reply later is told where it was asked for, so that a step reads from its cause to
its end: delivery → message → typed → accepted → answered → reply.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from runtime.explain.spans import span
from runtime.store.records import Record
from runtime.trail import LEVELS

FOLDED = ("message", "outbox_queued", "outbox_sent", "outbox_deferred", "outbox_failed")
"""Kinds whose later records are told where the first one was."""

WHO = {
    "push": "The agent", "gate": "The agent", "tmux": "Its terminal", "person": "A person", "time": "Time passed",
    "github": "GitHub", "spawn": "Its start",
}  # fmt: skip
_OUTCOMES = {"outbox_sent": "sent", "outbox_failed": "given up", "outbox_deferred": "not taken yet"}
_STATES = {"pasted": "typed"}
_NOT_HEARD = ("has no write permission", "bots are not listened to")
_ANSWERS = re.compile(r":(?:answer|reply):(\d+)(?::|$)")


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, as far as a step names it."""

    guid: str
    event: str


class Step(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One transaction: when, who or what caused it, and what followed."""

    at: float
    cause: str
    effects: list[str]
    level: str = "info"
    delivery: str | None = None


def chain(records: Sequence[Record], deliveries: dict[int, Cause]) -> list[Step]:
    """Return the steps that records make, oldest first; `deliveries` are those that caused some of them."""
    lives = _Lives(records)
    steps = []
    for together in _transactions(records):
        if all(map(_led_to_nothing, together)):
            continue
        told = [(lives.tell(record), record.level) for record in together if len(together) == 1 or _is_news(record)]
        if effects := [(text, level) for text, level in told if text]:
            first = together[0]
            cause = deliveries.get(first.delivery_id) if first.delivery_id is not None else None
            loudest = max((level for _, level in effects), key=LEVELS.index)
            steps.append(
                Step(
                    at=first.at, cause=_because(together, cause), effects=[text for text, _ in effects], level=loudest,
                    delivery=cause.guid if cause else None,
                )
            )  # fmt: skip
    return steps


def _transactions(records: Iterable[Record]) -> list[list[Record]]:
    found: list[list[Record]] = []
    for record in records:
        last = found[-1][-1] if found else None
        if last is not None and (last.at, last.delivery_id) == (record.at, record.delivery_id):
            found[-1].append(record)
        else:
            found.append([record])
    return found


def _led_to_nothing(record: Record) -> bool:
    """Tell whether a record is of no interest here: most deliveries are nobody's; a person's words never are."""
    reason = str(record.data.get("reason", ""))
    return record.kind == "skip" and not reason.endswith(_NOT_HEARD)


def _is_news(record: Record) -> bool:
    """Tell whether a record says more than those beside it: a change of the reason alone does not."""
    return record.kind != "transition" or record.data.get("before") != record.data.get("after")


def _because(together: Sequence[Record], delivery: Cause | None) -> str:
    if delivery is not None:
        return f"GitHub sent {delivery.event}"
    if together[0].delivery_id is not None:
        return f"GitHub sent something that is forgotten since (number {together[0].delivery_id})"
    return WHO.get(together[0].source, "The service")


def _phrase(record: Record) -> str:
    """Return a record's line without the name of its session."""
    text = record.summary.removeprefix(f"{record.session_id}: ") if record.session_id else record.summary
    return text.removeprefix(f"{record.session_id} ") if record.session_id else text


class _Lives:
    """What became of each message and each write to GitHub, told once, where it begins."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._of: dict[str, list[Record]] = {}
        for record in records:
            if (name := _name(record)) is not None:
                self._of.setdefault(name, []).append(record)
        self._answers: dict[str, list[str]] = {}
        for name in self._of:
            if (message := self._answered_by(name)) is not None:
                self._answers.setdefault(message, []).append(name)

    def tell(self, record: Record) -> str:
        """Return what a record says; nothing when it was told before, or is told with what it answers."""
        name = _name(record)
        if name is None:
            return _phrase(record)
        if record is not self._of[name][0] or self._answered_by(name) is not None:
            return ""
        return "; ".join(_life(self._of[one]) for one in (name, *self._answers.get(name, ())))

    def _answered_by(self, name: str) -> str | None:
        """Return the message that a write to GitHub answers, if that is told here."""
        answers = _ANSWERS.search(name)
        return f"message {answers[1]}" if answers and f"message {answers[1]}" in self._of else None


def _name(record: Record) -> str | None:
    """Return what a record is a part of the life of: a message, or a write to GitHub."""
    if record.kind == "message" and "message" in record.data:
        return f"message {record.data['message']}"
    return str(record.data["key"]) if record.kind in FOLDED and "key" in record.data else None


def _life(life: Sequence[Record]) -> str:
    """Return what something is and what became of it, each with the time since it began; the same is told once."""
    first, told = life[0], dict[str, str]()
    for record in life[1:]:
        what = _state(record)
        told[what] = f"{what} after {span(record.at - first.at)}{_why(record)}"
    head = f"message {first.data['message']}: {_phrase(first)}" if first.kind == "message" else _phrase(first)
    return " → ".join([head.removesuffix(" asked for"), ", ".join(told.values())]) if told else head


def _state(record: Record) -> str:
    if record.kind != "message":
        return _OUTCOMES.get(record.kind, "asked for again")
    if "waits" in record.data:
        return f"waiting ({record.data['waits']})"
    if "part" in record.data:
        return f"joined by {record.data['part']}"
    if "attempts" in record.data:
        return "not taken in"
    return _STATES.get(str(record.data.get("state")), str(record.data.get("state")))


def _why(record: Record) -> str:
    if record.level == "info":
        return ""
    reason = record.data.get("evidence") or record.summary.partition(": ")[2]
    return f" ({reason})" if reason else ""
