"""`ao report` and `ao acknowledge`: what agents say about themselves, typed by a person; agents have their own `ao`."""

from typing import Annotated, Any

import typer

from bot.bounds import LONGEST_NOTE
from bot.cli.client import post, segment
from bot.cli.text import harmless, say
from bot.config import calling_session, environment
from runtime.errors import WrongUse

STATES = (
    "started working waiting needs_input fixing_ci addressing_reviews pr_created draft_pr_created "
    "ready_for_review completed"
)
SessionOption = Annotated[
    str | None, typer.Option("--session", "-s", metavar="SESSION", help="Which session; inside of one, its own.")
]


def report(
    state: Annotated[str, typer.Argument(metavar="STATE", help=f"One of: {STATES}.")],
    note: Annotated[str, typer.Option("--note", "-n", help="A sentence about it.")] = "",
    session: SessionOption = None,
) -> None:
    """Reports what a session's agent is doing."""
    name = _which(session, f"report {state} -s app-1")
    if len(note) > LONGEST_NOTE:
        raise WrongUse(f"The note has {len(note)} characters, and at most {LONGEST_NOTE} are taken.")
    say(harmless(post(f"sessions/{segment(name)}/report", {"state": state, "note": note})["text"]))


def acknowledge(
    session: Annotated[str | None, typer.Argument(metavar="SESSION", help="Inside of a session, its own.")] = None,
    option: SessionOption = None,
) -> None:
    """Confirms that a session's agent has its task."""
    name = _which(session or option, "acknowledge app-1")
    say(harmless(post(f"sessions/{segment(name)}/acknowledge")["text"]))


def _which(session: str | None, example: str) -> str:
    name = session or calling_session(environment())
    if name is None:
        raise WrongUse(f"Say which session, for example: ao {example}")
    return name


def report_lines(reports: list[dict[str, Any]]) -> list[str]:
    """Return a line for each report, as the reference documentation shows them."""
    return [_line(one) for one in reports]


def _line(one: dict[str, Any]) -> str:
    from datetime import datetime

    clock = datetime.fromisoformat(one["at"]).astimezone().strftime("%H:%M")
    what = "ack" if one["what"] == "acknowledge" else f"rpt {harmless(one['state'])}"
    parts = [clock, what, f"({one['before'] or 'new'} → {one['after']})"]
    parts += [] if one["accepted"] else [f"REJECTED: {harmless(one['reason'])}"]
    parts += [f"#{one['pr']}"] if one["pr"] else []
    parts += [f'"{harmless(one["note"])}"'] if one["note"] else []
    return " ".join(parts)
