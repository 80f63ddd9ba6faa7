"""`ao status`: what each session is doing, and what it needs."""

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from bot.bounds import MOST_REPORTS
from bot.cli.client import ServiceFailed, get
from bot.cli.sessions import JsonOption, ProjectOption
from bot.cli.text import ACTIVITIES, CI_MARKS, REVIEW_MARKS, ago, complain, counted, harmless, on_a_terminal
from bot.cli.words import report_lines
from runtime.errors import WrongUse

BANNER = "AGENT ORCHESTRATOR STATUS"
NOTHING = "  (no active sessions)"
_SUMMARY_WIDTH = 60
OVERDUE = {"no_acknowledge": "not acknowledged", "stale_report": "report is old"}


def status(
    project: ProjectOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep it on the screen until Ctrl+C or q.")] = False,
    interval: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.2, max=3600, help="How long between looks.")
    ] = 5.0,
    terminated: Annotated[bool, typer.Option("--include-terminated", help="Include ended sessions.")] = False,
    reports: Annotated[
        str | None, typer.Option(metavar="N|full", help="Below each session its last N reports.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Shows what each session is doing."""
    wanted = partial(_sessions, project, terminated, _how_many(reports))
    if watch and as_json:
        raise WrongUse("--watch and --json exclude each other. Leave one out: ao status --watch")
    if as_json:
        typer.echo(json.dumps(wanted()["sessions"], indent=2, ensure_ascii=False))
        return
    look = _Look(wanted)
    if watch:
        _watch(look, interval)
    else:
        typer.echo(look.page())


def _watch(look: "_Look", interval: float) -> None:
    if on_a_terminal():
        from bot.cli.screen import watch as on_the_screen

        on_the_screen(look.newest_page, interval)
        return
    try:
        _below_each_other(look, interval)
    except KeyboardInterrupt:
        return


def _below_each_other(look: "_Look", interval: float) -> None:
    """Print page after page for a file or a pipe; a service that goes away is told once."""
    away = ""
    while True:
        if not away:
            typer.echo(f"{look.page()}\n")
        time.sleep(interval)
        before, away = away, look.again()
        if away and not before:
            complain(away)


class _Look:
    """What the service answered last; it stays in view while the service is away."""

    def __init__(self, ask: Callable[[], dict[str, Any]]) -> None:
        self._ask = ask
        self._found, self._service = self._ask(), get("status")

    def again(self) -> str:
        """Ask the service again; return why it does not answer, or nothing."""
        try:
            self._found, self._service = self._ask(), get("status")
        except ServiceFailed as error:
            return str(error)
        return ""

    def page(self) -> str:
        """Return what is known as text for the terminal of now."""
        return _page(self._found, self._service, time.time())

    def newest_page(self) -> str:
        """Return the page of now; while the service is away the last one, below a line that says so."""
        away = self.again()
        return f"⚠ {away}\n{self.page()}" if away else self.page()


def _sessions(project: str | None, terminated: bool, reports: int | None) -> dict[str, Any]:
    found: dict[str, Any] = get("sessions", project=project, all="true" if terminated else None)
    if reports is None:
        return found
    said = get("reports", limit=reports)
    rows = [{**row, "reports": [one for one in said if one["sessionId"] == row["id"]]} for row in found["sessions"]]
    return {**found, "sessions": rows}


def _how_many(reports: str | None) -> int | None:
    """Return how many reports of each session are wanted, None for no report at all."""
    if reports is None or reports == "full":
        return MOST_REPORTS if reports else None
    if not reports.isascii() or not reports.isdecimal() or not 1 <= int(reports) <= MOST_REPORTS:
        raise WrongUse(f"--reports takes full or a number from 1 to {MOST_REPORTS}, not {reports!r}.")
    return int(reports)


def _page(found: dict[str, Any], service: dict[str, Any], now: float) -> str:
    from bot.cli.table import Column, clipped, draw, fitted, width, wrapped

    columns = [
        Column("Session", at_most=20),
        Column("Branch", gives_way=True, at_most=24),
        *[Column(title) for title in ("PR", "CI", "Rev", "Thr", "Activity", "Age")],
    ]
    rows = {session["id"]: _row(session, now) for session in found["sessions"]}
    wide = fitted(columns, list(rows.values()))
    lines = [BANNER]
    for name in found["projects"]:
        sessions = [session for session in found["sessions"] if session["projectId"] == name]
        notes = [_note(session, clipped(harmless(session["summary"]), _SUMMARY_WIDTH)) for session in sessions]
        drawn = draw(columns, [rows[session["id"]] for session in sessions], notes, wide) if sessions else NOTHING
        lines += ["", name, drawn]
    footer = [part for line in _footer(found, service) for part in wrapped(line, width())]
    return "\n".join([*lines, "", *footer])


def _row(session: dict[str, Any], now: float) -> list[str]:
    threads = session["pendingThreads"]
    return [
        harmless(session["name"]),
        harmless(session["branch"]),
        f"#{session['prNumber']}" if session["prNumber"] else "-",
        CI_MARKS.get(session["ciStatus"], "-"),
        REVIEW_MARKS.get(session["reviewDecision"], "-"),
        "-" if threads is None else str(threads),
        ACTIVITIES.get(session["activity"], session["activity"]) if session["activity"] else "unknown",
        ago(session["lastActivity"], now),
    ]


def _note(session: dict[str, Any], summary: str) -> str:
    overdue = session.get("reportOverdue")
    missing = OVERDUE.get(overdue["trigger"], overdue["trigger"]) if overdue else ""
    place = session["queuePosition"]
    waits = f"number {place} in the queue" if place else ""
    called = session["displayName"] if session["displayName"] != session["title"] else ""
    first = " · ".join(filter(None, (session["status"], waits, missing, harmless(called), summary)))
    return "\n".join([first, *report_lines(session.get("reports", []))])


def _footer(found: dict[str, Any], service: dict[str, Any]) -> list[str]:
    lines = [" · ".join(_counts(found))]
    if dead := service["deadDeliveries"]:
        what = "1 dead delivery" if dead == 1 else f"{dead} dead deliveries"
        lines.append(f"{what}, see: ao deliveries ls --state dead")
    broken = [f"✗ project {p['id']}: {harmless(p['problems'][0])}" for p in service["projects"] if p["problems"]]
    return lines + broken


def _counts(found: dict[str, Any]) -> list[str]:
    roles = [session["role"] for session in found["sessions"] if not session["endedAt"]]
    leading, hidden = roles.count("orchestrator"), found["hiddenTerminatedCount"]
    workers = counted(len(roles) - leading, "active session")
    return [
        f"{workers} across {counted(len(found['projects']), 'project')}",
        *([counted(leading, "orchestrator")] if leading else []),
        *([f"{hidden} terminated hidden"] if hidden else []),
    ]
