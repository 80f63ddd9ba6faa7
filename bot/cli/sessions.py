"""`ao session`: list, attach, kill, clean up, restore, rename, remap."""

import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.client import ServiceFailed, get, post, segment
from bot.cli.light import Light, group
from bot.cli.text import COLOURS, ago, counted, harmless, on_a_terminal, say
from bot.config import calling_session, environment
from runtime.errors import WrongUse
from runtime.unstarted import not_started

RESTORE_S = 60.0
CLEANUP_S = 120.0
CLAIM_S = 120.0
NO_PURGE = "No agent here keeps sessions that ao could delete. Leave --purge-session out: ao session kill {name}"

app = group("Lists, names, attaches to, ends and restores sessions.")

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
    if not everything:
        found["sessions"] = [session for session in found["sessions"] if session["role"] != "orchestrator"]
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
        say(f"\n  {counted(hidden, 'terminated session')} hidden. See --include-terminated.")


def _line(session: dict[str, Any], now: float) -> str:
    age = ago(session["lastActivity"], now)
    parts = [
        session["name"],
        f"({age} ago)" if age != "-" else "(-)",
        session["branch"],
        f"[{session['status']}]",
        session["prUrl"],
    ]
    return _fitted([harmless(part) for part in parts if part])


def _fitted(parts: list[str]) -> str:
    """Return the parts on one line; on a terminal those that would be cut in the middle stand on the next."""
    if not on_a_terminal():
        return "  " + "  ".join(parts)
    from bot.cli.table import cells, width

    lines = [f"  {parts[0]}"]
    for part in parts[1:]:
        longer = f"{lines[-1]}  {part}"
        if cells(longer) <= width():
            lines[-1] = longer
        else:
            lines.append(f"    {part}")
    return "\n".join(lines)


@app.command(cls=Light)
def attach(session: SessionArgument) -> None:
    """Attaches to a session's terminal; Ctrl+B, then D leaves it."""
    found = get(f"sessions/{segment(session)}")
    if not (command := found["attachCommand"]):
        if not found["endedAt"]:
            raise ServiceFailed(not_started(session, found["queuePosition"]))
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
def kill(
    session: SessionArgument,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; `ao explain` shows it.")] = None,
    purge: Annotated[bool, typer.Option("--purge-session", hidden=True)] = False,
) -> None:
    """Ends a session; what it has not pushed is kept, its branch and pull request stay."""
    if purge:
        raise WrongUse(NO_PURGE.format(name=session))
    try:
        killed = post(f"sessions/{segment(session)}/kill", {"reason": reason, "by": caller()})
    except ServiceFailed as error:
        raise ServiceFailed(f"Failed to kill session {session}: {error}") from error
    if killed["alreadyTerminated"]:
        say(f"Session {session} had ended already.")
    else:
        say(f"Session {session} killed.")
    if killed["preserved"]:
        where = f" in {killed['repository']}" if killed["repository"] else ""
        say(f"Its unpushed work is kept as {killed['preserved']}{where}")
    if killed["left"]:
        say(f"Its worktree was left alone: {harmless(killed['left'])}")


@app.command(cls=Light)
def cleanup(
    project: ProjectOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Clears away sessions that are merged, whose issue is closed, or whose agent is dead."""
    say("Checking for completed sessions...")
    done = post("cleanup", {"project": project, "dryRun": dry_run, "by": caller()}, patience=CLEANUP_S)
    for name in done["killed"]:
        say(f"  Would kill {name}" if dry_run else f"  Cleaned: {name}")
    for one in done["skipped"]:
        say(f"  Skipped: {one['name']} ({harmless(one['reason'])})")
    for one in done["errors"]:
        say(f"  Error cleaning {one['name']}: {harmless(one['error'])}")
    if not done["killed"] and not done["errors"]:
        say("  No sessions to clean up.")
    elif dry_run:
        say(f"Dry run complete. {counted(len(done['killed']), 'session')} would be cleaned.")
    else:
        say(f"Cleanup complete. {counted(len(done['killed']), 'session')} cleaned.")
    if done["errors"]:
        raise typer.Exit(1)


@app.command(cls=Light)
def restore(
    session: SessionArgument,
    force: Annotated[bool, typer.Option("--force", help="Also when its pull request is merged.")] = False,
) -> None:
    """Brings an ended session back: the same branch, worktree and messages, and its agent at work."""
    back = post(f"sessions/{segment(session)}/restore", {"force": force, "by": caller()}, patience=RESTORE_S)
    say(f"✓ Session {session} restored.", COLOURS["✓"])
    say(f"  Worktree: {back['workspacePath']}")
    say(f"  Branch:   {back['branch']}")
    say(f"  Attach:   {back['attachCommand']}")
    if back["replayed"]:
        say("  Its work that was not committed is in the worktree again.")
    if back["queuePosition"]:
        say(f"  It waits for a free slot, number {back['queuePosition']} in the queue.")
    elif back["resumed"]:
        say("  Its agent goes on with its own session.")
    elif reason := back["restoreFallbackReason"]:
        say(f"  Its agent was started afresh: {harmless(reason)}.")


@app.command("claim-pr", cls=Light)
def claim_pr(
    pull: Annotated[str, typer.Argument(metavar="PR", help="The open pull request: its number or address.")],
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="Who gets it.", show_default="the session this is typed in")
    ] = None,
    assign: Annotated[
        bool, typer.Option("--assign-on-github", help="Also make the token's person, or who asked, its assignee.")
    ] = False,
) -> None:
    """Gives a session an open pull request: its worktree moves to that branch, and who had it before is told."""
    name = session or caller()
    if name is None:
        raise WrongUse(f"Say which session gets it, for example: ao session claim-pr {pull} app-1")
    body: dict[str, object] = {"pull": pull, "assignOnGithub": assign, "by": caller()}
    done = post(f"sessions/{segment(name)}/claim", body, patience=CLAIM_S)
    say(f"✓ Session {name} claimed PR #{done['pr']['number']}.", COLOURS["✓"])
    say(f"  PR: {done['pr']['url']}")
    say(f"  Branch: {done['branch']}")
    say(f"  Checkout: {'switched to PR branch' if done['branchChanged'] else 'already on PR branch'}")
    if done["takenOverFrom"]:
        say(f"  Took over from: {', '.join(done['takenOverFrom'])}")
    if assign:
        error = done["githubAssignmentError"]
        say(f"  GitHub assignee: {'not updated: ' + harmless(error) if error else 'updated'}")


def caller() -> str | None:
    """Return the session that this is typed in, if it is one."""
    return calling_session(environment())


@app.command(cls=Light)
def rename(
    session: SessionArgument,
    name: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="What to call it.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Go back to the name it had by itself.")] = False,
) -> None:
    """Gives a session the name that people read."""
    wanted = " ".join(name or []).strip()
    if bool(wanted) == clear:
        raise WrongUse(f"Give either NAME or --clear, for example: ao session rename {session} Fix the login")
    renamed = post(f"sessions/{segment(session)}/rename", {"displayName": wanted})
    say(f"✓ Session {session} renamed: {harmless(renamed['displayName'])}", COLOURS["✓"])


@app.command(cls=Light)
def remap(
    session: SessionArgument,
    force: Annotated[bool, typer.Option("--force", "-f", help="Forget the known id if none is found.")] = False,
) -> None:
    """Finds the agent's own session id again, which it needs to resume."""
    mapped = post(f"sessions/{segment(session)}/remap", {"force": force})
    if mapped["found"]:
        say(f"✓ Session {session} remapped.", COLOURS["✓"])
    else:
        say(f"⚠ Session {session}: its agent has not said its id again; the known one stays.", COLOURS["⚠"])
    say(f"  Agent session: {harmless(mapped['agentSessionId'])}")
