"""`ao events`: the audit trail, listed, searched and followed."""

import json
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import typer

from bot.bounds import MOST_LISTED
from bot.cli.client import follow, get
from bot.cli.light import Light, group
from bot.cli.sessions import JsonOption, ProjectOption
from bot.cli.text import coloured, harmless, say
from runtime.errors import WrongUse

app = group("Lists, searches and follows the audit trail.")

NARROWEST = 60
_TIME, _KIND = 8, 13
LEVEL_COLOURS = {"warning": "yellow", "error": "red"}

SessionOption = Annotated[str | None, typer.Option("--session", "-s", help="Only this session.")]
KindOption = Annotated[
    str | None, typer.Option("--type", "-t", "--kind", help="Only these kinds, such as message,transition.")
]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="Only what came from there, such as github, push or person.")
]
LevelOption = Annotated[str | None, typer.Option("--log-level", help="At least as bad: info, warning or error.")]
SinceOption = Annotated[str | None, typer.Option("--since", help="Not older than 30m, 2h, 1d, or than a time.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_LISTED, help="How many.")]


@app.command("ls", cls=Light)
def list_events(
    project: ProjectOption = None,
    session: SessionOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    level: LevelOption = None,
    since: SinceOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Lists the newest records."""
    _show(_wanted(project, session, kind, source, level, since), limit, as_json)


@app.command(cls=Light)
def search(
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help='Words; gree* and "two words" work too.')],
    project: ProjectOption = None,
    session: SessionOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    level: LevelOption = None,
    since: SinceOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Lists the records that have all of these words."""
    words = " ".join(text)
    if not words.strip():
        raise WrongUse("Say what to search for, for example: ao events search merge conflict")
    _show({"q": words, **_wanted(project, session, kind, source, level, since)}, limit, as_json)


@app.command(cls=Light)
def stats(
    project: ProjectOption = None,
    session: SessionOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    level: LevelOption = None,
    since: SinceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Counts the records of each kind."""
    counts = get("records/counts", **_wanted(project, session, kind, source, level, since))
    if as_json:
        typer.echo(json.dumps(counts, indent=2))
        return
    for name, many in counts.items():
        say(f"{many:>8}  {name}")
    say(f"{sum(counts.values()):>8}  in all")


@app.command(cls=Light)
def tail(
    project: ProjectOption = None,
    session: SessionOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    level: LevelOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, max=MOST_LISTED, help="How many old ones first.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Follows the records as they are made, also across restarts of the service, until Ctrl+C."""
    wanted = _wanted(project, session, kind, source, level, None)
    try:
        for record in _from_old_to_new(wanted, limit):
            say(json.dumps(record, ensure_ascii=False) if as_json else _line(record, time.time()))
    except KeyboardInterrupt:
        return


def _from_old_to_new(wanted: dict[str, Any], limit: int) -> Iterable[dict[str, Any]]:
    old = list(reversed(get("records/search", limit=limit, **wanted))) if limit else []
    yield from old
    yield from follow("records", after=(old[-1]["id"] if old else 0) if limit else None, **wanted)


def _wanted(
    project: str | None, session: str | None, kind: str | None, source: str | None, level: str | None, since: str | None
) -> dict[str, Any]:
    return {"project": project, "session": session, "kind": kind, "source": source, "level": level, "since": since}


def _show(wanted: dict[str, Any], limit: int, as_json: bool) -> None:
    found = get("records/search", limit=limit, **wanted)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not found:
        say("No such records." if any(wanted.values()) else "No records.")
        return
    typer.echo(_table([_cells(record, time.time()) for record in found]))


def _table(rows: list[list[str]]) -> str:
    from bot.cli.table import Column, draw, narrow

    columns = [Column("Time"), Column("Kind"), Column("Session", gives_way=narrow())]
    if narrow():
        return draw(columns, [row[:-1] for row in rows], [row[-1] for row in rows])
    return draw([*columns, Column("Summary", gives_way=True)], rows)


def _cells(record: dict[str, Any], now: float) -> list[str]:
    session, level = harmless(record["sessionId"] or "-"), record["level"]
    summary = harmless(record["summary"]).removeprefix(f"{session}: ")
    return [at(record["at"], now), record["kind"], session, ("" if level == "info" else f"{level}: ") + summary]


def _line(record: dict[str, Any], now: float) -> str:
    when, kind, session, summary = _cells(record, now)
    level = record["level"]
    begins = f"{when:<{_TIME}}  {kind:<{_KIND}}  "
    line = begins + ("" if session == "-" else f"{session}: ") + summary
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(line, max(NARROWEST, width), subsequent_indent=" " * len(begins), drop_whitespace=False)
    return typer.style(line, fg=LEVEL_COLOURS[level]) if level in LEVEL_COLOURS and coloured() else line


def at(moment: str, now: float) -> str:
    """Return an ISO 8601 time by the clock on the wall here; the date too when it is not today's."""
    local = datetime.fromisoformat(moment).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    if local.date() == today:
        return local.strftime("%H:%M:%S")
    return local.strftime("%m-%d %H:%M" if local.year == today.year else "%Y-%m-%d")
