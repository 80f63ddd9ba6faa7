"""Keep one comment on the issue that says where the session stands; it edits itself."""

from handlers.outbound import on, quiet_line
from runtime.changes import Cleared, IssueMoved, QueueMoved, StatusChanged
from runtime.facts import Facts
from runtime.project import Project
from runtime.sessions import Session
from runtime.status import ci_status, review_decision
from runtime.store import outbox
from runtime.store.tx import Tx

HEADLINES = {
    "spawning": "⏳ Starting",
    "working": "🛠️ Working",
    "detecting": "🩺 Finding out whether the agent still runs",
    "idle": "💤 Idle",
    "pr_open": "🔎 Pull request open, checks are running",
    "ci_failed": "🔴 A check failed, the agent was told",
    "review_pending": "👀 Ready for review",
    "changes_requested": "✏️ Changes requested, the agent was told",
    "approved": "👍 Approved",
    "mergeable": "✅ Approved and green: ready to merge",
    "merged": "🎉 Merged",
    "needs_input": "✋ Waiting for a person",
    "stuck": "🐌 No sign of work for a while",
    "errored": "💥 The agent has stopped with an error",
    "killed": "⏹️ Stopped",
    "cleanup": "🧹 The issue was closed",
    "done": "🏁 The agent says that it is done",
    "terminated": "⏹️ Ended",
}
BY_REASON = {"probe_failure": "🩺 It cannot be found out whether the agent still runs"}
QUEUED = "⏳ Waiting for a free slot"
WORDS = {
    "success": "✓ passed", "failure": "✗ failed", "pending": "⋯ running", "none": "none yet",
    "approved": "✓ approved", "changes_requested": "✗ changes requested",
}  # fmt: skip

TALK = "Comment here or on the pull request to talk to the agent; `/agent help` lists commands."
CLEAN = "The {what} cleaned up; everything was on GitHub."
UNREAD = "The worktree was not where it belongs: `ao explain {id}` says where to look for its work."
BACK = " `/agent restart` brings the session back."
MOVED = "### ➡️ Moved\n\nA person moved `{id}` {where}. Comments here do not reach it any more."
ELSEWHERE = "to #{number}, where its state is shown from now on"
NOWHERE = "away from this issue"
PRESERVED = "The {what} cleaned up; work that was not on GitHub is kept under `{ref}`."


@on(Cleared)
@on(QueueMoved)
@on(StatusChanged)
def revise_status_comment(change: StatusChanged | QueueMoved | Cleared, tx: Tx, _project: Project) -> None:
    """Let the comment be written again; edits in quick succession become one."""
    session = change.session
    if session.issue is not None:
        payload = {"number": session.issue}
        outbox.revise(
            tx, key=_key(session), repo=session.repo, payload=payload, session_id=session.id,
            edit_interval=tx.edit_interval,
        )  # fmt: skip


@on(IssueMoved)
def move_status_comment(change: IssueMoved, tx: Tx, project: Project) -> None:
    """Say in the old issue's comment where the session went, and keep up another one, or the one that is there."""
    session, key = change.session, _key(change.session)
    where = NOWHERE if session.issue is None else ELSEWHERE.format(number=session.issue)
    text = MOVED.format(id=session.id, where=where)
    outbox.rekey(tx, key, f"{key}:left:{change.before}", body=text)
    outbox.rekey(tx, f"{key}:left:{session.issue}", key)
    revise_status_comment(QueueMoved(session=session, position=session.queue_position), tx, project)


def _key(session: Session) -> str:
    return f"{session.repo}:status:{session.id}"


def render(session: Session, facts: Facts, *, attach: str = "") -> str:
    """Return the comment's text for the facts as they are now."""
    lines = [
        f"### {_headline(session)}",
        "",
        "| | |",
        "|---|---|",
        f"| Session | `{session.id}` with {session.agent} |",
    ]
    if session.queue_position:
        lines.append(f"| Queue | number {session.queue_position} |")
    lines += [f"| Branch | `{session.branch}` |", *_pull_rows(facts), *_reason_rows(session, facts)]
    if session.live and attach:
        lines += ["", "<details><summary>Watch it in the terminal</summary>", "", f"    {attach}", "", "</details>"]
    return "\n".join([*lines, "", _footer(session, facts)])


def _headline(session: Session) -> str:
    status, reason = session.announced_status, session.announced_reason
    return QUEUED if session.queue_position else BY_REASON.get(reason) or HEADLINES.get(status, status)


def _pull_rows(facts: Facts) -> list[str]:
    pull = facts.pull_request
    if pull is None:
        return []
    rows = [f"| Pull request | #{pull.number} |", f"| Checks | {WORDS[ci_status(facts)]} |"]
    return [*rows, f"| Review | {WORDS[review_decision(facts)]} |"]


def _reason_rows(session: Session, facts: Facts) -> list[str]:
    if facts.spawn_failed:
        return [f"| Failed | {facts.spawn_failed.step} |"]
    if facts.turn and facts.turn.state in ("waiting", "blocked") and session.live:
        return [f"| Question | {_cell(facts.turn.question or facts.turn.last_message)} |"]
    if facts.turn and facts.turn.last_message:
        return [f"| Last words | {_cell(facts.turn.last_message)} |"]
    return []


def _footer(session: Session, facts: Facts) -> str:
    if facts.cleaned is not None:
        what = "worktree and the branch are" if session.announced_status == "merged" else "worktree is"
        text = PRESERVED if facts.cleaned.preserved else UNREAD if facts.cleaned.left else CLEAN
        back = "" if session.announced_status == "merged" else BACK
        return text.format(what=what, ref=facts.cleaned.preserved, id=session.id) + back
    return TALK if session.live else ""


def _cell(text: str) -> str:
    """Make text fit a table cell: one line, no cell borders, no HTML, nobody mentioned."""
    return quiet_line(text, 300).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
