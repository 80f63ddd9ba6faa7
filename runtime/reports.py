"""What agents say of themselves with `ao report` and `ao acknowledge`: checked, kept, and missed when it stays out."""

from typing import Literal

import msgspec

from runtime.errors import UserError, WrongUse
from runtime.facts import Facts
from runtime.said import Acknowledged, Report, ReportOverdue
from runtime.sessions import Session
from runtime.store import facts as fact_rows
from runtime.store import sessions
from runtime.store.tx import Tx
from runtime.trail import Source

STATES = (
    "started", "working", "waiting", "needs_input", "fixing_ci", "addressing_reviews", "pr_created",
    "draft_pr_created", "ready_for_review", "completed",
)  # fmt: skip
AT_WORK = frozenset({"started", "working", "fixing_ci", "addressing_reviews"})

NO_ACKNOWLEDGE_AFTER = 600.0
STALE_AFTER = 1800.0
LONGEST_NOTE = 500

REJECTED = "Report rejected: {reason}"
UNKNOWN = "Unknown state: {state}. Report one of: " + ", ".join(STATES)
DONE = "done is concluded from what happens to the pull request; report completed when your task needs none"
ORCHESTRATOR = "an orchestrator does not report; it coordinates the sessions that do"
HAS_ENDED = "the session has ended ({status})"
HAS_EXITED = "the agent's process has ended"
PULL_OVER = "pull request #{number} is {state}"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One report or acknowledgement; the id makes it count once."""

    id: str
    what: Literal["report", "acknowledge"]
    state: str = ""
    note: str = ""
    at: float = 0.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it; `text` is what whoever said it is told."""

    accepted: bool
    text: str


def state_of(text: str) -> str:
    """Return the state that is meant; hyphens and capitals are forgiven. `UserError` names the states there are."""
    state = text.strip().lower().replace("-", "_")
    if state == "done":
        raise UserError(REJECTED.format(reason=DONE))
    if state not in STATES:
        raise WrongUse(UNKNOWN.format(state=" ".join(text.split())[:60] or "(none)"))
    return state


def why_not(session: Session, known: Facts) -> str | None:
    """Return why nothing can be reported about a session now, or None when it can."""
    if session.role == "orchestrator":
        return ORCHESTRATOR
    if not session.live:
        return HAS_ENDED.format(status=session.announced_status)
    if known.process is not None and known.process.state == "exited":
        return HAS_EXITED
    pull = known.pull_request
    return None if pull is None or pull.state == "open" else PULL_OVER.format(number=pull.number, state=pull.state)


def take(tx: Tx, session: Session, said: Said, *, source: Source) -> None:
    """Believe or reject what was said and keep a record of it; the record tells the status before and after."""
    known = fact_rows.of_session(tx.sql, session.id, session.created_at)
    state, reason = said.state, why_not(session, known)
    try:
        state = state_of(said.state) if said.what == "report" else ""
    except UserError as told:
        reason = str(told).removeprefix(REJECTED.format(reason=""))
    if reason is None:
        note = tx.redact(" ".join(said.note.split()))[:LONGEST_NOTE]
        fact = Report(at=said.at, state=state, note=note) if said.what == "report" else Acknowledged(at=said.at)
        fact_rows.learn(tx, session.id, fact, source=source)
    pull = known.pull_request.number if known.pull_request else None
    before = session.announced_status
    tx.at_end.append(lambda: _record(tx, session.id, said, state[:60], before=before, reason=reason, pull=pull))


def _record(tx: Tx, name: str, said: Said, state: str, *, before: str, reason: str | None, pull: int | None) -> None:
    now = sessions.get(tx.sql, name)
    after = now.announced_status if now else before
    tx.record(
        "report", f"{name}: {verdict(name, said.what, state, before, after, reason).text}", session_id=name,
        level="info" if reason is None else "warning",
        data={
            "id": said.id, "what": said.what, "state": state, "note": said.note[:LONGEST_NOTE],
            "accepted": reason is None, "reason": reason or "", "before": before, "after": after, "pr": pull,
        },
    )  # fmt: skip


def verdict(name: str, what: str, state: str, before: str, after: str, reason: str | None) -> Verdict:
    """Return what is said about a report or acknowledgement."""
    if reason is not None:
        told = reason if reason.startswith("Unknown state") else REJECTED.format(reason=reason)
        return Verdict(accepted=False, text=told)
    did = "acknowledged" if what == "acknowledge" else f"reported {state}"
    return Verdict(accepted=True, text=f"✓ {name} {did} ({before or 'new'} → {after})")


def overdue(session: Session, known: Facts, now: float) -> tuple[ReportOverdue | None, float | None]:
    """Return which word of the agent is missing now, and when the next one will be."""
    if not session.live or session.role == "orchestrator" or not known.spawned:
        return None, None
    trigger, since, after = _awaited(known)
    if trigger is None:
        return None, None
    missing, due = ReportOverdue(at=now, trigger=trigger, since=since), since + known.slept.since(since) + after
    return (missing, None) if now >= due else (None, due)


def _awaited(known: Facts) -> tuple[Literal["no_acknowledge", "stale_report"] | None, float, float]:
    report, turn = known.report, known.turn
    if report is not None:
        rests = turn is not None and turn.state == "ready" and turn.at > report.at
        stale = report.state in AT_WORK and not rests
        return "stale_report" if stale else None, report.at, STALE_AFTER
    if known.acknowledged is not None or known.pull_request is not None:
        return None, 0.0, 0.0
    start = known.process.at if known.process else known.spawned_at or known.created_at
    return "no_acknowledge", start, NO_ACKNOWLEDGE_AFTER


def watch(tx: Tx, session: Session, known: Facts) -> float | None:
    """Learn that a word of the agent is overdue, or that it no longer is; return when to look again."""
    missing, look_again = overdue(session, known, tx.now)
    before = known.report_overdue.trigger if known.report_overdue else ""
    if (missing.trigger if missing else "") != before:
        fact_rows.learn(tx, session.id, missing or ReportOverdue(at=tx.now, trigger=""), source="time")
    return look_again
