"""`ao send`, `interrupt`, `approve`, `deny`: what people say to an agent, with what became of it."""

import uuid
from typing import Annotated, Any

import typer

from bot.bounds import LONGEST_WAIT
from bot.cli.client import ANSWER_S, ServiceFailed, get, post, post_once, segment
from bot.cli.sessions import SessionArgument
from bot.cli.text import COLOURS, harmless, say
from bot.config import calling_session, environment
from runtime.errors import WrongUse

QUEUED = "✓ Message queued ({reason})"
OUTCOMES = {
    "processing": "✓ Message sent and processing",
    "queued": QUEUED,
    "unconfirmed": "⚠ Message sent — could not confirm it was received",
}
FAILED = "The message did not reach {session}: {reason}. {next}"
NO_CHOICE = "{session} offers no answer {choice}. Choose one of those above: ao approve {session} 1"
ONLY_YES = "{session} offers no answers to choose from. Say yes with: ao approve {session}"
LOOK = "Look at its terminal with: ao session attach {session}"
KEPT = "It is kept, and said when the session is brought back. See why it ended: ao explain {session}"
RESTORED = "The agent of {session} had ended; the session was brought back."


def send(
    session: SessionArgument,
    text: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="What to say.")] = None,
    file: Annotated[str | None, typer.Option("--file", "-f", help="Read the message from a file; - is input.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Leave it in the queue and return at once.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=LONGEST_WAIT,
            help="How long to wait for the agent, else times.send_wait (600).",
        ),
    ] = None,
    expires: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0, max=LONGEST_WAIT, help="Give it up when it waits for longer."),
    ] = None,
) -> None:
    """Sends a message to a session's agent and says whether it was taken."""
    body: dict[str, object] = {
        "text": _signed(_message(session, text or [], file)), "wait": not no_wait, "timeout": timeout,
        "author": _author(), "key": str(uuid.uuid4()), "expires": expires,
    }  # fmt: skip
    patience = LONGEST_WAIT if timeout is None else timeout
    sent = post_once(f"sessions/{segment(session)}/messages", body, patience=ANSWER_S + (0 if no_wait else patience))
    _tell(session, sent)


def interrupt(
    session: SessionArgument,
    text: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="What to say to it then.")] = None,
) -> None:
    """Stops what a session's agent is doing, and says something to it first."""
    said = " ".join(text or []).strip()
    body: dict[str, object] = {
        "text": _signed(said) if said else None, "author": _author(), "key": str(uuid.uuid4()),
    }  # fmt: skip
    done = post(f"sessions/{segment(session)}/interrupt", body)
    if done["result"] == "interrupted":
        say(f"✓ {session} was interrupted", COLOURS["✓"])
    else:
        say(f"- {session} was idle already")
    if done["messageId"] is not None:
        say("✓ Message queued (it goes first)", COLOURS["✓"])


def approve(
    session: SessionArgument,
    choice: Annotated[
        int | None,
        typer.Argument(metavar="N", min=1, help="Which of the answers that the agent offers; else the first."),
    ] = None,
    question: Annotated[
        str | None, typer.Option(help="Answer this question only: its id, as the interface gives it.")
    ] = None,
) -> None:
    """Answers what a session's agent asks with yes, and says which of several answers that was."""
    asked = _asked(session, question)
    if choice is not None and choice > max(1, len(asked["choices"])):
        raise WrongUse((NO_CHOICE if asked["choices"] else ONLY_YES).format(session=session, choice=choice))
    body: dict[str, object] = {
        "question": asked["id"], "allow": True, "choice": choice, "author": _author(),
    }  # fmt: skip
    answer = harmless(post(f"sessions/{segment(session)}/decision", body)["answer"])
    say(f"✓ Approved: {answer}" if answer else "✓ Approved", COLOURS["✓"])


def deny(
    session: SessionArgument,
    why: Annotated[list[str] | None, typer.Argument(metavar="WHY", help="What to say to the agent then.")] = None,
    question: Annotated[
        str | None, typer.Option(help="Answer this question only: its id, as the interface gives it.")
    ] = None,
) -> None:
    """Answers what a session's agent asks with no."""
    asked, said = _asked(session, question), " ".join(why or []).strip()
    body: dict[str, object] = {
        "question": asked["id"], "allow": False, "why": _signed(said) if said else None,
        "author": _author(),
    }  # fmt: skip
    done = post(f"sessions/{segment(session)}/decision", body)
    say("✗ Denied", COLOURS["✗"])
    if done["messageId"] is not None:
        say("✓ Message queued (session finishing previous task)", COLOURS["✓"])


def _asked(session: str, only: str | None) -> Any:
    """Return the session's question, after showing it; its id is the one that is meant, if one is."""
    asked = get(f"sessions/{segment(session)}/question")
    say(f"{session} asks: {harmless(asked['text'])}")
    for number, choice in enumerate(asked["choices"], 1):
        say(f"  {number} {harmless(choice)}")
    return asked if only is None else asked | {"id": only}


def _tell(session: str, sent: dict[str, Any]) -> None:
    if sent["restored"]:
        say(RESTORED.format(session=session))
    if sent["result"] == "failed":
        ended = get(f"sessions/{segment(session)}")["endedAt"]
        then = (KEPT if ended else LOOK).format(session=session)
        raise ServiceFailed(FAILED.format(session=session, reason=harmless(sent["reason"]), next=then))
    outcome = OUTCOMES[sent["result"]].format(reason=harmless(sent["reason"]))
    say(outcome, COLOURS[outcome[0]])


def _author() -> str | None:
    """Return who speaks: the session whose agent runs this, or the person."""
    env = environment()
    return calling_session(env) or env.get("USER") or env.get("LOGNAME") or None


def _signed(message: str) -> str:
    """Put the sender before what an agent says to another."""
    caller = calling_session(environment())
    return f"[from {caller}] {message}" if caller else message


def _message(session: str, words: list[str], file: str | None) -> str:
    if bool(words) == bool(file):
        raise WrongUse(f"Give either TEXT or --file, for example: ao send {session} please add a test")
    message = " ".join(words) if file is None else _read(file)
    if not message.strip():
        raise WrongUse(f"The message is empty. Write some text, for example: ao send {session} please add a test")
    return message


def _read(file: str) -> str:
    try:
        with open(0 if file == "-" else file, encoding="utf-8", closefd=file != "-") as given:
            return given.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text in UTF-8"
        name = "Standard input" if file == "-" else file
        raise WrongUse(f"{name} cannot be read ({reason}).") from error
