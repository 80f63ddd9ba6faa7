"""A session as scripts and people see it; the first keys are those of the reference documentation, in its order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from runtime.display import display_name
from runtime.facts import Facts, PullRequest
from runtime.sessions import Session
from runtime.status import ci_status, review_decision
from runtime.words import OVERDUE

NAMED_KEYS = frozenset({"displayName", "summary"})
"""Keys of a person's word that have a place of their own in the record; all others are its free metadata."""


class PullView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One pull request of a session."""

    number: int
    url: str
    title: str
    state: str
    draft: bool
    head_ref: str
    head_sha: str


class RuntimeHandle(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the agent's terminal is: the tmux session of this id, and the pane in it."""

    id: str
    runtime_name: str = "tmux"
    pane: str | None = None


class ReportView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the agent has reported last."""

    state: str
    note: str
    at: str


class OverdueView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A word of the agent that should have come by now: no_acknowledge or stale_report."""

    trigger: str
    since: str
    evidence: str


class AgentInfoView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of the agent itself; a cost or an id that is not known is null."""

    summary: str
    cost_usd: float | None = None
    agent_session_id: str | None = None


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
    display_name: str = ""
    last_activity_at: str = ""
    restored_at: str | None = None
    restore_fallback_reason: str | None = None
    role: str = "worker"
    parent: str | None = None
    pr: str | None = None
    prs: list[PullView] = []
    runtime_handle: RuntimeHandle | None = None
    agent_info: AgentInfoView | None = None
    report: ReportView | None = None
    acknowledged_at: str | None = None
    report_overdue: OverdueView | None = None
    metadata: dict[str, str] = {}
    """What people have noted under keys of their own."""


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
    terminal: Mapping[str, Any] | None = None,
) -> SessionView:
    """Return the row of a session; only one whose terminal may still be there has an attach command.

    `terminal` is what the step that started the terminal has left behind.
    """
    pull, restored = facts.pull_request, facts.restored
    last = iso(_last_sign(session, facts))
    summary = _summary(session, facts)
    return SessionView(
        name=session.id,
        branch=session.branch,
        status=status,
        pr_number=pull.number if pull else None,
        ci_status=ci_status(facts) if pull else "none",
        review_decision=_decision(facts),
        pending_threads=pending_threads,
        activity=activity,
        last_activity=last,
        id=session.id,
        project_id=session.project,
        issue_id=None if session.issue is None else str(session.issue),
        pr_url=pull.url if pull else None,
        agent=session.agent,
        title=session.title,
        summary=summary,
        reason=reason,
        created_at=iso(session.created_at),
        ended_at=None if session.ended_at is None else iso(session.ended_at),
        workspace_path=workspace_path,
        queue_position=session.queue_position,
        attach_command=attach_command if session.live or _is_kept(facts) else None,
        display_name=display_name(session, facts),
        last_activity_at=last,
        restored_at=iso(restored.at) if restored else None,
        restore_fallback_reason=(restored.why_fresh or None) if restored else None,
        role=session.role,
        parent=session.parent,
        pr=pull.url if pull else None,
        prs=[_pull_view(one) for one in facts.pull_requests or ((pull,) if pull else ())],
        runtime_handle=None if terminal is None else RuntimeHandle(id=session.id, pane=terminal.get("pane")),
        agent_info=_agent_info(facts, summary),
        report=_report(facts),
        acknowledged_at=iso(facts.acknowledged.at) if facts.acknowledged else None,
        report_overdue=_overdue(facts) if session.live else None,
        metadata={noted.key: noted.value for noted in facts.noted if noted.value and noted.key not in NAMED_KEYS},
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


def _pull_view(pull: PullRequest) -> PullView:
    return PullView(
        number=pull.number, url=pull.url, title=pull.title, state=pull.state, draft=pull.draft,
        head_ref=pull.head_ref, head_sha=pull.head_sha,
    )  # fmt: skip


def _report(facts: Facts) -> ReportView | None:
    said = facts.report
    return None if said is None else ReportView(state=said.state, note=said.note, at=iso(said.at))


def _overdue(facts: Facts) -> OverdueView | None:
    missing = facts.report_overdue
    if missing is None or not missing.trigger:
        return None
    return OverdueView(trigger=missing.trigger, since=iso(missing.since), evidence=OVERDUE[missing.trigger])


def _agent_info(facts: Facts, summary: str) -> AgentInfoView:
    known = facts.agent_info
    if known is None:
        return AgentInfoView(summary=summary)
    return AgentInfoView(summary=summary, cost_usd=known.cost_usd, agent_session_id=known.native_id or None)


def _summary(session: Session, facts: Facts) -> str:
    """Return what a person wrote, else what the agent asks or last said, as one line; else the title."""
    pinned = next((noted.value for noted in facts.noted if noted.key == "summary"), "")
    said = pinned or (facts.turn.question or facts.turn.last_message) if facts.turn else pinned
    return " ".join((said or session.title).split())[:200]


def _is_kept(facts: Facts) -> bool:
    """Tell whether an agent that died by itself has left its terminal to be looked at."""
    died = facts.process is not None and facts.process.state == "exited"
    return died and facts.killed is None and facts.cleaned is None
