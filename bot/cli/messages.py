"""`ao send`: a message to an agent, with what became of it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.client import ANSWER_S, post, segment
from bot.cli.sessions import SessionArgument
from bot.cli.text import COLOURS, say
from bot.config import calling_session, environment

LONGEST = 86400.0
OUTCOMES = {
    "processing": "✓ Message sent and processing",
    "queued": "✓ Message queued (session finishing previous task)",
    "unconfirmed": "⚠ Message sent — could not confirm it was received",
}


def send(
    session: SessionArgument,
    text: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="What to say.")] = None,
    file: Annotated[str | None, typer.Option("--file", "-f", help="Read the message from a file; - is input.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Leave it in the queue and return at once.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(min=0, max=LONGEST, help="Seconds to wait for the agent.", show_default="times.send_wait: 600"),
    ] = None,
) -> None:
    """Sends a message to a session's agent and says whether it was taken."""
    message = _message(text or [], file)
    caller = calling_session(environment())
    body: dict[str, object] = {
        "text": f"[from {caller}] {message}" if caller else message,
        "wait": not no_wait,
        "timeout": timeout,
        "author": caller,
    }
    patience = LONGEST if timeout is None else timeout
    sent = post(f"sessions/{segment(session)}/messages", body, patience=ANSWER_S + (0 if no_wait else patience))
    outcome = OUTCOMES[sent["result"]]
    say(outcome, COLOURS[outcome[0]])


def _message(words: list[str], file: str | None) -> str:
    if bool(words) == bool(file):
        raise typer.BadParameter("give either TEXT or --file, for example: ao send app-1 please add a test")
    message = " ".join(words) if file is None else _read(file)
    if not message.strip():
        raise typer.BadParameter("the message is empty; write some text")
    return message


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text in UTF-8"
        raise typer.BadParameter(f"{file} cannot be read ({reason}); correct the path") from error
