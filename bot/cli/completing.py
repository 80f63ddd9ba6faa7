"""What can stand at a place of the command line, found out when somebody presses Tab."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import typer
from typer._click import shell_completion as walk  # the seam itself is private; tests complete with real shells
from typer.core import TyperArgument, TyperOption

from bot.cli.app import COMMANDS, app
from bot.cli.client import get
from bot.cli.completion import FILES, SCRIPTS, WITHIN
from bot.cli.text import harmless
from runtime.trail import KINDS, LEVELS, SOURCES

Candidate = tuple[str, str]
"""A word, and a remark that some shells show beside it."""

_PLAIN = re.compile(r"[\w./:#-]+")
_ENDED = {"restore"}
"""Commands for sessions that have ended."""


def candidates(words: list[str]) -> list[Candidate]:
    """Return what the last word can become; nothing when the words before it make no sense."""
    try:
        found = _found(_without_lone_equals(words[:-1]), words[-1] if words else "")
    except Exception:  # somebody who presses Tab wants words or nothing
        return []
    return [(value, remark) for value, remark in found if value == FILES or _PLAIN.fullmatch(value)]


def _without_lone_equals(words: list[str]) -> list[str]:
    """Undo that bash takes `--project=x` apart."""
    return [word for at, word in enumerate(words) if word != "=" or not (at and words[at - 1].startswith("-"))]


def _found(before: list[str], incomplete: str) -> list[Candidate]:
    root = typer.main.get_command(app)
    context = walk._resolve_context(root, {}, "ao", before)
    place, begun = walk._resolve_incomplete(context, before, incomplete)
    if isinstance(place, TyperArgument | TyperOption):
        values = _VALUES.get(place.name or "")
        known = values(context) if values else ()
        return [one for one in known if one[0].startswith(begun) or one[0] == FILES]
    if place is root and not begun.startswith("-"):
        return [(name, remark) for name, (_, remark) in COMMANDS.items() if name.startswith(begun)]
    return [(item.value, item.help or "") for item in place.shell_complete(context, begun)]


def _sessions(context: Any) -> Iterable[Candidate]:
    ended = context.info_name in _ENDED
    for one in get("sessions", within=WITHIN, all="true" if ended else None)["sessions"]:
        if ended == bool(one["endedAt"]):
            yield one["name"], f"{one['status']}, {harmless(one['title'])}"


def _projects(_: Any) -> Iterable[Candidate]:
    return [(one["id"], one["repo"]) for one in get("status", within=WITHIN)["projects"]]


def _deliveries(_: Any) -> Iterable[Candidate]:
    return [(one["guid"], f"{one['state']}, {one['event']}") for one in get("deliveries", within=WITHIN)]


def _agents(_: Any) -> Iterable[Candidate]:
    from runtime import agents

    return [(name, "") for name in sorted(agents.load())]


def _files(_: Any) -> Iterable[Candidate]:
    return [(FILES, "")]


def _words(*known: str) -> Callable[[Any], Iterable[Candidate]]:
    return lambda _: [(word, "") for word in known]


_VALUES: dict[str, Callable[[Any], Iterable[Candidate]]] = {
    "session": _sessions,
    "project": _projects,
    "guid": _deliveries,
    "agent": _agents,
    "file": _files,
    "shell": _words(*SCRIPTS),
    "kind": _words(*KINDS),
    "source": _words(*SOURCES),
    "level": _words(*LEVELS),
}
"""What parameters of these names take; all other values are for the person to think up."""
