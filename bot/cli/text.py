"""Words and marks on the terminal; what other people wrote is made harmless before it is shown."""

import sys
import unicodedata
from datetime import UTC, datetime

import typer

from bot.config import environment

CI_MARKS = {"success": "✓", "failure": "✗", "pending": "⋯"}
REVIEW_MARKS = {"approved": "✓", "changes_requested": "✗", "pending": "△"}
ACTIVITIES = {"active": "working", "waiting_input": "waiting"}
COLOURS = {"✓": "green", "✗": "red", "⋯": "yellow", "△": "yellow", "⚠": "yellow"}

_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_UNCERTAIN = {chr(code) for code in range(0xFE00, 0xFE10)}
"""Variation selectors: terminals do not agree how wide what they select is."""
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def on_a_terminal() -> bool:
    """Tell whether standard output is a terminal that can move its cursor."""
    return sys.stdout.isatty() and environment().get("TERM") != "dumb"


def coloured() -> bool:
    """Tell whether colours belong on standard output: a terminal, and no NO_COLOR (https://no-color.org)."""
    return on_a_terminal() and not environment().get("NO_COLOR")


def say(text: str = "", colour: str | None = None) -> None:
    """Print a line."""
    typer.echo(typer.style(text, fg=colour) if colour and coloured() else text)


def complain(text: str) -> None:
    """Print a line to standard error."""
    typer.echo(text, err=True)


def harmless(text: str) -> str:
    """Return text on one line without control, format and bidirectional characters, in characters of certain width."""
    if text.isascii() and text.isprintable():
        return text
    kept = (" " if char in "\t\r\n" else char for char in text)
    return "".join(char for char in kept if unicodedata.category(char) not in _HARMFUL and char not in _UNCERTAIN)


def ago(moment: str | None, now: float) -> str:
    """Return how long ago an ISO 8601 time was, in its largest unit, or `-`."""
    if not moment:
        return "-"
    passed = max(0, int(now - datetime.fromisoformat(moment).astimezone(UTC).timestamp()))
    size, unit = next((pair for pair in _UNITS if passed >= pair[0]), _UNITS[-1])
    return f"{passed // size}{unit}"


def counted(number: int, noun: str) -> str:
    """Return `1 session` or `3 sessions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
