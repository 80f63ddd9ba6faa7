"""Sessions, facts and messages made up for a test; only what it names differs."""

from typing import Any

from runtime.facts import Facts, PullRequest
from runtime.inbox import QUEUED, Message
from runtime.sessions import Session
from tests.fakes.clock import NOW
from tests.fakes.github import REPO, SHA


def session(**changed: Any) -> Session:
    known: dict[str, Any] = {
        "id": "app-1", "project": "app", "number": 1, "repo": REPO, "session_key": f"{REPO}#1", "issue": 1,
        "title": "Add a greeting", "task": "Say hello.", "agent": "scripted", "branch": "ao/app-1", "base": "main",
        "asked_by": "maintainer", "created_at": NOW, "live": True, "ended_at": None, "announced_status": "working",
        "announced_reason": "task_in_progress", "announced_at": NOW, "recheck_at": None, "push_offset": 0,
    }  # fmt: skip
    named = {"branch": f"ao/{changed['id']}"} if "id" in changed else {}
    return Session(**{**known, **named, **changed})


def facts(**known: Any) -> Facts:
    return Facts(**{"created_at": NOW, "spawned": True, **known})


def pull_request(**changed: Any) -> PullRequest:
    known: dict[str, Any] = {
        "at": NOW, "number": 2, "url": "https://gh/pull/2", "title": "Greet", "state": "open", "draft": False,
        "head_ref": "ao/app-1", "head_sha": SHA, "base_ref": "main", "mergeable": True,
    }  # fmt: skip
    return PullRequest(**{**known, **changed})


def message(kind: str = "comment", **changed: Any) -> Message:
    known: dict[str, Any] = {
        "id": 1, "session_id": "app-1", "kind": kind, "source_key": f"{kind}:1", "author": "maintainer", "parts": {},
        "state": QUEUED, "evidence": "", "text": None, "created_at": NOW, "not_before": 0.0, "changed_at": NOW,
        "attempts": 0,
    }  # fmt: skip
    return Message(**{**known, **changed})
