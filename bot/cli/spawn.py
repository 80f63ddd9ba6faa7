"""`ao spawn` and `ao batch-spawn`: start sessions."""

import uuid
from typing import Annotated, Any

import typer

from bot.cli.client import ANSWER_S, ServiceFailed, get, post, post_once, segment
from bot.cli.text import COLOURS, complain, harmless, say
from bot.config import calling_session, environment
from runtime.errors import WrongUse

PATIENCE = 120.0
"""Seconds to wait for a start; commands of `post_create` may take longer, and go on."""

ProjectOption = Annotated[str | None, typer.Option("--project", "-p", help="The project, if there are several.")]
AgentOption = Annotated[str | None, typer.Option("--agent", help="Another agent than the project's.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="The model, if the agent can be told one.")]


def spawn(
    issue: Annotated[
        str | None, typer.Argument(metavar="ISSUE", help="Such as 42, my-app/42, or the issue's address.")
    ] = None,
    project: ProjectOption = None,
    agent: AgentOption = None,
    model: ModelOption = None,
    prompt: Annotated[str | None, typer.Option("--prompt", metavar="TEXT", help="What to do.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="Work on this branch.")] = None,
    claim_pr: Annotated[
        str | None, typer.Option("--claim-pr", metavar="PR", help="Take over an open pull request.")
    ] = None,
) -> None:
    """Starts a session on an issue, a text, a branch or a pull request."""
    wanted: dict[str, object] = {
        "project": project, "issue": issue, "prompt": prompt, "agent": agent, "model": model, "branch": branch,
        "pull": None if claim_pr is None else _number(claim_pr), "author": calling_session(environment()),
    }  # fmt: skip
    made = post_once("sessions", {**wanted, "key": str(uuid.uuid4())}, patience=ANSWER_S * 2)
    made = _await(made["id"])
    say(*_headline(made))
    say(f"  Branch  {harmless(made['branch'])}")
    if made["attachCommand"]:
        say(f"  Attach  ao session attach {made['id']}")
    say(f"SESSION={made['id']}")


def batch_spawn(
    issues: Annotated[list[str], typer.Argument(metavar="ISSUE", help="Such as 42 43 44, or my-app/42.")],
    project: ProjectOption = None,
    agent: AgentOption = None,
    model: ModelOption = None,
) -> None:
    """Starts a session for each issue that has none."""
    body: dict[str, object] = {
        "issues": issues, "project": project, "agent": agent, "model": model, "author": calling_session(environment()),
    }  # fmt: skip
    outcomes = post("sessions/batch", body, patience=ANSWER_S * (1 + len(issues)))
    counts = {"created": 0, "skipped": 0, "failed": 0}
    for outcome in outcomes:
        counts[_told(outcome)] += 1
    say()
    say(f"Created: {counts['created']}  Skipped: {counts['skipped']}  Failed: {counts['failed']}")
    if counts["failed"]:
        raise typer.Exit(1)


def _number(text: str) -> int:
    """Read `7`, `#7` or the address of a pull request."""
    word = text.strip().rstrip("/")
    last = word.rpartition("/pull/")[2] if "/pull/" in word else word.removeprefix("#")
    if not (last.isascii() and last.isdigit()):
        raise WrongUse(f"{text!r} is not a pull request. Write its number, for example: ao spawn --claim-pr 7")
    return int(last)


def _await(name: str) -> dict[str, Any]:
    made: dict[str, Any] = get(f"sessions/{segment(name)}/start", within=ANSWER_S + PATIENCE, patience=PATIENCE)
    return made


def _headline(made: dict[str, Any]) -> tuple[str, str]:
    """Return what has happened, and the colour of its mark."""
    for_issue = f" for issue #{made['issueId']}" if made["issueId"] else ""
    claimed = f" (claimed {harmless(made['claimedUrl'])})" if made["claimedUrl"] else ""
    if made["state"] == "queued":
        text = f"⋯ Session {made['id']} waits in the queue{for_issue}, number {made['queuePosition']}{claimed}"
    elif made["state"] == "starting":
        text = f"⋯ Session {made['id']} is still starting{for_issue}{claimed}. See: ao status"
    else:
        text = f"✓ Session {made['id']} spawned{for_issue}{claimed}"
    return text, COLOURS[text[0]]


def _told(outcome: dict[str, Any]) -> str:
    """Say what became of one issue, once its session has started, and return it."""
    issue, session = harmless(outcome["issue"]), outcome["session"]
    if outcome["result"] == "skipped":
        say(f"Skip {issue} — {harmless(outcome['why'])}")
        return "skipped"
    if outcome["result"] == "failed":
        return _failed(issue, outcome["why"])
    try:
        made = _await(session)
    except ServiceFailed as error:
        return _failed(issue, str(error))
    queued = f" (in the queue, number {made['queuePosition']})" if made["state"] == "queued" else ""
    say(f"Created {session} for {issue}{queued}")
    return "created"


def _failed(issue: str, why: str) -> str:
    complain(f"Failed {issue} — {why}")
    return "failed"
