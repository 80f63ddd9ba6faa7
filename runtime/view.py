"""A session as scripts and people see it; the first keys are those of the reference documentation, in its order."""

from datetime import UTC, datetime

import msgspec

from runtime.facts import Facts
from runtime.sessions import Session
from runtime.status import ci_status, review_decision


class SessionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of a listing; times are ISO 8601 in UTC, null means not known or not there."""

    name: str
    branch: str
    status: str
    pr_number: int | None
    ci_status: str
    review_decision: str
    pending_threads: int | None
    activity: str | None
    last_activity: str
    id: str
    project_id: str
    issue_id: str | None
    pr_url: str | None
    agent: str
    title: str
    summary: str
    reason: str
    created_at: str
    ended_at: str | None
    workspace_path: str | None
    attach_command: str | None
    queue_position: int = 0


def view(
    session: Session,
    facts: Facts,
    *,
    status: str,
    reason: str,
    activity: str | None,
    pending_threads: int | None = None,
    workspace_path: str | None = None,
    attach_command: str | None = None,
) -> SessionView:
    """Return the row of a session; only one whose terminal may still be there has an attach command."""
    pull = facts.pull_request
    return SessionView(
        name=session.id,
        branch=session.branch,
        status=status,
        pr_number=pull.number if pull else None,
        ci_status=ci_status(facts) if pull else "none",
        review_decision=_decision(facts),
        pending_threads=pending_threads,
        activity=activity,
        last_activity=iso(_last_sign(session, facts)),
        id=session.id,
        project_id=session.project,
        issue_id=None if session.issue is None else str(session.issue),
        pr_url=pull.url if pull else None,
        agent=session.agent,
        title=session.title,
        summary=_summary(session, facts),
        reason=reason,
        created_at=iso(session.created_at),
        ended_at=None if session.ended_at is None else iso(session.ended_at),
        workspace_path=workspace_path,
        queue_position=session.queue_position,
        attach_command=attach_command if session.live or _is_kept(facts) else None,
    )


def iso(at: float) -> str:
    """Return a time as `2026-08-01T12:00:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _decision(facts: Facts) -> str:
    """Return the reviewers' decision; an open pull request that nobody has judged yet is pending."""
    decision = review_decision(facts)
    pull = facts.pull_request
    waits = pull is not None and pull.state == "open" and not pull.draft
    return "pending" if decision == "none" and waits else decision


def _last_sign(session: Session, facts: Facts) -> float:
    known = [fact.at for fact in (facts.turn, facts.process) if fact]
    return max([session.created_at, *known])


def _summary(session: Session, facts: Facts) -> str:
    """Return what the agent asks or last said, as one line; else the title."""
    said = (facts.turn.question or facts.turn.last_message) if facts.turn else ""
    return " ".join((said or session.title).split())[:200]


def _is_kept(facts: Facts) -> bool:
    """Tell whether an agent that died by itself has left its terminal to be looked at."""
    died = facts.process is not None and facts.process.state == "exited"
    return died and facts.killed is None and facts.cleaned is None
