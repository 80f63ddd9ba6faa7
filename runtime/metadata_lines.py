"""What stands in a session's metadata file, under the keys of the reference documentation."""

from runtime.sessions import Session
from runtime.view import SessionView

EDITABLE = ("displayName", "summary", "issue", "pr", "branch")
"""What a person may change there; keys that are not ours are theirs, too."""

_OWN_ID = {"claude-code": "claudeSessionUuid", "codex": "codexThreadId", "opencode": "opencodeSessionId"}
DERIVED = frozenset(
    {
        "id", "project", "status", "reason", "activity", "issueTitle", "prs", "agent", "role", "parent", "worktree",
        "tmuxName", "runtimeHandle", "createdAt", "lastActivityAt", "restoredAt", "restoreFallbackReason", "endedAt",
        "agentSessionId", "costUsd", "agentReportedState", "agentReportedAt", "agentReportedNote",
        "agentAcknowledgedAt", "reportOverdue", "userPrompt", *_OWN_ID.values(),
    }
)  # fmt: skip
"""What follows from facts and cannot be changed by writing it down."""
_LONGEST_PROMPT = 2000


def lines_of(session: Session, shown: SessionView) -> dict[str, str]:
    """Return the values in the order in which they are written; what is not there is empty."""
    handle, agent = shown.runtime_handle, shown.agent_info
    known = {
        "id": shown.id, "project": shown.project_id, "status": shown.status, "reason": shown.reason,
        "activity": shown.activity, "displayName": shown.display_name, "summary": shown.summary,
        "issue": shown.issue_id, "issueTitle": session.title if shown.issue_id else None, "branch": shown.branch,
        "pr": shown.pr, "prs": ",".join(pull.url for pull in shown.prs) if len(shown.prs) > 1 else None,
        "agent": shown.agent, "role": shown.role, "parent": shown.parent, "worktree": shown.workspace_path,
        "tmuxName": handle.id if handle else None, "runtimeHandle": handle.pane if handle else None,
        "createdAt": shown.created_at, "lastActivityAt": shown.last_activity_at, "restoredAt": shown.restored_at,
        "restoreFallbackReason": shown.restore_fallback_reason, "endedAt": shown.ended_at,
        _OWN_ID.get(shown.agent, "agentSessionId"): agent.agent_session_id if agent else None,
        "costUsd": str(agent.cost_usd) if agent and agent.cost_usd is not None else None,
        "userPrompt": None if shown.issue_id else session.task[:_LONGEST_PROMPT],
        **_reported(shown),
    }  # fmt: skip
    free = {key: value for key, value in sorted(shown.metadata.items()) if key not in known}
    return {key: value or "" for key, value in {**known, **free}.items()}


def _reported(shown: SessionView) -> dict[str, str | None]:
    said, missing = shown.report, shown.report_overdue
    return {
        "agentReportedState": said.state if said else None,
        "agentReportedAt": said.at if said else None,
        "agentReportedNote": said.note if said else None,
        "agentAcknowledgedAt": shown.acknowledged_at,
        "reportOverdue": missing.trigger if missing else None,
    }
