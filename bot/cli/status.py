"""`ao status`: what each session is doing, and what it needs."""

import json
import time
from typing import Annotated, Any

import typer

from bot.cli.client import get
from bot.cli.sessions import JsonOption, ProjectOption
from bot.cli.text import ACTIVITIES, CI_MARKS, REVIEW_MARKS, ago, coloured, counted, harmless

BANNER = "AGENT ORCHESTRATOR STATUS"
_CLEAR = "\x1b[H\x1b[2J"
_SUMMARY_LENGTH = 60


def status(
    project: ProjectOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it again and again until Ctrl+C.")] = False,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 5.0,
    terminated: Annotated[bool, typer.Option("--include-terminated", help="Include ended sessions.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Shows what each session is doing."""
    if watch and as_json:
        raise typer.BadParameter("--watch and --json exclude each other; leave one out")
    if as_json:
        typer.echo(json.dumps(_sessions(project, terminated)["sessions"], indent=2, ensure_ascii=False))
        return
    try:
        while True:
            shown = _page(_sessions(project, terminated), get("status"), time.time())
            if watch and coloured():
                typer.echo(_CLEAR, nl=False)
            typer.echo(shown)
            if not watch:
                return
            time.sleep(interval)
    except KeyboardInterrupt:
        return


def _sessions(project: str | None, terminated: bool) -> dict[str, Any]:
    found: dict[str, Any] = get("sessions", project=project, all="true" if terminated else None)
    return found


def _page(found: dict[str, Any], service: dict[str, Any], now: float) -> str:
    from bot.cli.table import Column, draw

    columns = [
        Column("Session", at_most=20),
        Column("Branch", gives_way=True, at_most=24),
        *[Column(title) for title in ("PR", "CI", "Rev", "Thr", "Activity", "Age")],
    ]
    lines = [BANNER]
    for name in found["projects"]:
        sessions = [session for session in found["sessions"] if session["projectId"] == name]
        lines += ["", name]
        lines.append(
            draw(columns, [_row(s, now) for s in sessions], map(_note, sessions))
            if sessions
            else "  (no active sessions)"
        )
    return "\n".join([*lines, "", *_footer(found, service)])


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


def _note(session: dict[str, Any]) -> str:
    summary = harmless(session["summary"])
    if len(summary) > _SUMMARY_LENGTH:
        summary = summary[: _SUMMARY_LENGTH - 1] + "…"
    return f"{session['status']} · {summary}" if summary else str(session["status"])


def _footer(found: dict[str, Any], service: dict[str, Any]) -> list[str]:
    active = [session for session in found["sessions"] if not session["endedAt"]]
    projects = {session["projectId"] for session in active}
    parts = [f"{counted(len(active), 'active session')} across {counted(len(projects), 'project')}"]
    if hidden := found["hiddenTerminatedCount"]:
        parts.append(f"{hidden} terminated hidden")
    lines = [" · ".join(parts)]
    if dead := service["deadDeliveries"]:
        what = "1 dead delivery" if dead == 1 else f"{dead} dead deliveries"
        lines.append(f"{what}, see: ao deliveries ls --state dead")
    broken = [f"✗ project {p['id']}: {harmless(p['problems'][0])}" for p in service["projects"] if p["problems"]]
    return lines + broken
