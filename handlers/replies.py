"""Answer where the agent was asked, once its turn has ended: in each review thread, or below a comment."""

from handlers.outbound import on, quiet, quiet_line, say, send
from runtime.changes import TurnEnded, Undelivered
from runtime.code_blocks import FENCES
from runtime.inbox import Message
from runtime.project import Project
from runtime.redact import shortened
from runtime.sessions import Session
from runtime.store.tx import Tx

ANSWERED = "Done in {commit}: {summary}"
NOT_CHANGED = "No change made: {summary}"
NOTHING_SAID = "see the commit"
UNDELIVERED = "This has not reached the agent of `{session}`: {why}."
LONGEST = 2000


@on(TurnEnded)
def answer_threads(turn: TurnEnded, tx: Tx, _project: Project) -> None:
    """Reply inside each thread that this turn's messages came from, once per thread and turn."""
    text = _answer(turn)
    for message in turn.answered:
        for thread in dict.fromkeys(comment["thread"] for comment in message.parts.get("comments", ())):
            number = message.parts["number"]
            send(tx, turn.session, "reply", f"reply:{message.id}:{thread}", pull=number, comment_id=thread, body=text)


@on(TurnEnded)
def answer_comments(turn: TurnEnded, tx: Tx, _project: Project) -> None:
    """Answer each comment that this turn was about."""
    for message in turn.answered:
        if message.kind == "comment":
            _answer_comment(turn.session, message, _answer(turn), tx)


@on(Undelivered)
def own_up(lost: Undelivered, tx: Tx, _project: Project) -> None:
    """Say below a comment or review that it was given up, and why."""
    if lost.message.kind in ("comment", "review"):
        text = UNDELIVERED.format(session=lost.session.id, why=lost.why)
        key = f"undelivered:{lost.message.id}"
        say(tx, lost.session, lost.message.parts["number"], _quoted(lost.message) + text, key=key)


def _answer_comment(session: Session, message: Message, text: str, tx: Tx) -> None:
    say(tx, session, message.parts["number"], _quoted(message) + text, key=f"answer:{message.id}")


def _quoted(message: Message) -> str:
    first = next((line for line in message.parts["body"].splitlines() if line.strip()), "")
    return f"> {quiet_line(first, 200)}\n\n" if first else ""


def _answer(turn: TurnEnded) -> str:
    summary = quiet(shortened(turn.last_message.strip(), LONGEST)) or NOTHING_SAID
    if summary.startswith(FENCES):
        summary = f"\n\n{summary}"
    return (
        ANSWERED.format(commit=turn.commit[:7], summary=summary) if turn.commit else NOT_CHANGED.format(summary=summary)
    )
