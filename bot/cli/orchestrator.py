"""`ao orchestrator`: the agent that coordinates a project's sessions."""

import json
from typing import Annotated, Any

import typer

from bot.cli.client import get, post, segment
from bot.cli.light import Light, group
from bot.cli.text import harmless, say
from runtime.errors import WrongUse

app = group("Starts and shows a project's coordinating agent.")

ProjectOption = Annotated[
    str | None, typer.Option("--project", "-p", help="Which project; may be left out when there is only one.")
]
DONE = {
    "nothing": "Orchestrator {name} is running already.",
    "started": "Orchestrator {name} started.",
    "restored": "Orchestrator {name} is back.",
    "relaunched": "Orchestrator {name} started anew.",
}


@app.command(cls=Light)
def start(
    project: ProjectOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin a new conversation if it has ended.")] = False,
) -> None:
    """Starts the orchestrator, or brings it back; a running one is left alone."""
    _show(post(f"projects/{_chosen(project)}/orchestrator", {"fresh": fresh}))


@app.command(cls=Light)
def relaunch(project: ProjectOption = None) -> None:
    """Ends the orchestrator's agent and starts it anew under the same name."""
    _show(post(f"projects/{_chosen(project)}/orchestrator/relaunch"))


@app.command(cls=Light)
def status(
    project: ProjectOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Shows the orchestrator."""
    found = get(f"projects/{_chosen(project)}/orchestrator")
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    _line(found)


def _chosen(project: str | None) -> str:
    """Return the project that is meant: the named one, or the only one there is."""
    if project is not None:
        return segment(project)
    known = [one["id"] for one in get("status")["projects"]]
    if len(known) != 1:
        raise WrongUse(f"Say which project with -p; there are: {', '.join(known) or 'none'}.")
    return segment(known[0])


def _show(answer: dict[str, Any]) -> None:
    session = answer["session"]
    say(DONE[answer["done"]].format(name=session["name"]))
    say(f"  Talk to it: ao send {session['name']} TEXT")
    say(f"  Watch it:   ao session attach {session['name']}")


def _line(session: dict[str, Any]) -> None:
    say(f"{session['name']}  [{session['status']}]  {session['activity'] or 'unknown'}")
    if session["summary"]:
        say(f"  {harmless(session['summary'])}")
    if session["endedAt"]:
        say("  It has ended. Bring it back with: ao orchestrator start")
