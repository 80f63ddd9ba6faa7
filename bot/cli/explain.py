"""`ao explain`: why a session is what it is, and what became of a delivery, in plain words."""

import json
import re
import shutil
import textwrap
import time
from typing import Annotated, Any

import typer

from bot.bounds import MOST_LISTED
from bot.cli.client import get, segment
from bot.cli.deliveries import SHORT_GUID
from bot.cli.events import LEVEL_COLOURS, at
from bot.cli.text import coloured, harmless, say

NARROWEST, WIDEST = 40, 100
_TIME = 13
_COMMAND = re.compile(r"\bao (?:(?:session|orchestrator|events|deliveries) )?[a-z-]+(?: -[a-z]+)?(?: [a-z0-9-]*-\w+)?")
_JOINED = "\0"


def explain(
    name: Annotated[str, typer.Argument(metavar="SESSION|DELIVERY", help="A session's name, or a delivery's GUID.")],
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=MOST_LISTED, help="How many steps of its story.")
    ] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Says why a session is what it is, or why a delivery led to something or to nothing."""
    found = get(f"explanations/{segment(name)}", limit=limit)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for line in found["now"]:
        _paragraph(line)
    if found["waitsFor"]:
        _heading("What it waits for")
        for line in found["waitsFor"]:
            _paragraph(line, "  ")
    if found["chain"]:
        _heading("What it led to" if found["about"] == "delivery" else "How it came to this")
        if found["leftOut"]:
            _paragraph(f"… {found['leftOut']} earlier steps; see them with: ao events ls -s {found['name']}", "  ")
        for step in found["chain"]:
            _step(step)


def _heading(text: str) -> None:
    say()
    typer.echo(typer.style(text, bold=True) if coloured() else text)


def _step(step: dict[str, Any]) -> None:
    moment = at(step["at"], time.time())
    which = f" ({step['delivery'][:SHORT_GUID]})" if step["delivery"] else ""
    _paragraph(f"{moment:<{_TIME}}{step['cause']}{which}:", "  ", " " * (_TIME + 2))
    for effect in step["effects"]:
        _paragraph(f"→ {effect}", " " * (_TIME + 2), " " * (_TIME + 4), LEVEL_COLOURS.get(step["level"]))


def _paragraph(text: str, first: str = "", rest: str | None = None, colour: str | None = None) -> None:
    width = min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))
    indent = first + "  " if rest is None else rest
    # Names of sessions, commits and commands are not cut in two, so a very long one may stand out.
    whole = _COMMAND.sub(lambda found: found[0].replace(" ", _JOINED), harmless(text))
    filled = textwrap.fill(
        whole, width, initial_indent=first, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False, drop_whitespace=True,
    )  # fmt: skip
    say(filled.replace(_JOINED, " "), colour)
