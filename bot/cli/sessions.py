"""`ao session`: list, attach, kill."""

import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.client import ServiceFailed, get, post, segment
from bot.cli.later import SessionWithLater
from bot.cli.light import Light, group
from bot.cli.text import ago, counted, harmless, say
from bot.config import environment

app = group("Lists, attaches to and ends sessions.", SessionWithLater)

ProjectOption = Annotated[str | None, typer.Option("--project", "-p", help="Only this project.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON array.")]
SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="The session's name, such as app-3.")]


@app.command("ls", cls=Light)
def list_sessions(
    project: ProjectOption = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Include orchestrator sessions.")] = False,
    terminated: Annotated[bool, typer.Option("--include-terminated", help="Include ended sessions.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Lists sessions."""
    found = get("sessions", project=project, all="true" if terminated else None)
    if as_json:
        typer.echo(json.dumps(found["sessions"], indent=2, ensure_ascii=False))
        return
    now = time.time()
    for name in found["projects"]:
        say(f"\n{name}:")
        rows = [session for session in found["sessions"] if session["projectId"] == name]
        for session in rows:
            say(_line(session, now))
        if not rows:
            say("  (no active sessions)")
    if hidden := found["hiddenTerminatedCount"]:
        say(f"\n  {counted(hidden, 'terminated session')} hidden. Show them with --include-terminated.")


def _line(session: dict[str, Any], now: float) -> str:
    age = ago(session["lastActivity"], now)
    parts = [
        session["name"],
        f"({age} ago)" if age != "-" else "(-)",
        session["branch"],
        f"[{session['status']}]",
        session["prUrl"],
    ]
    return "  " + "  ".join(harmless(part) for part in parts if part)


@app.command(cls=Light)
def attach(session: SessionArgument) -> None:
    """Attaches to a session's terminal; leave it again with Ctrl+B, then D."""
    command = get(f"sessions/{segment(session)}")["attachCommand"]
    if not command:
        raise ServiceFailed(
            f"Session '{session}' has no terminal any more. See how it ended with: ao session ls --include-terminated"
        )
    if not sys.stdin.isatty():
        raise ServiceFailed(f"Attaching needs a terminal. Type this in one: {command}")
    # our tmux server is another one than the one a person may be in, which TMUX would forbid to nest
    outside = {key: value for key, value in environment().items() if key != "TMUX"}
    # the line is made for a shell, where `TMUX=` in front does the same
    program, *arguments = [word for word in shlex.split(command) if word != "TMUX="]
    try:
        os.execvpe(program, [Path(program).name, *arguments], outside)  # noqa: S606 - it becomes the terminal
    except OSError as error:
        raise ServiceFailed(f"{program} cannot be started ({error.strerror}). Install it, see: ao doctor") from error


@app.command(cls=Light)
def kill(session: SessionArgument) -> None:
    """Ends a session; what it has not pushed is kept."""
    try:
        killed = post(f"sessions/{segment(session)}/kill")
    except ServiceFailed as error:
        raise ServiceFailed(f"Failed to kill session {session}: {error}") from error
    if killed["alreadyTerminated"]:
        say(f"Session {session} had ended already.")
        return
    say(f"Session {session} killed.")
    if killed["preserved"]:
        say(f"Its unpushed work is kept as {killed['preserved']}")
