"""What a session is, and the names that derive from its id."""

import re
from typing import Literal

import msgspec


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One agent at work on one task, as it was claimed; what happened since are facts."""

    id: str
    project: str
    number: int
    repo: str
    session_key: str
    issue: int | None
    title: str
    task: str
    agent: str
    branch: str
    base: str
    asked_by: str
    created_at: float
    live: bool
    ended_at: float | None
    announced_status: str
    announced_reason: str
    announced_at: float
    recheck_at: float | None
    push_offset: int
    role: Literal["worker", "orchestrator"] = "worker"
    parent: str | None = None
    pull: int | None = None
    model: str | None = None
    queue_position: int = 0
    """Which of those that wait for a free slot it is; 0 when it waits for none."""


def session_id(prefix: str, number: int) -> str:
    """Return `<prefix>-<n>`, also the tmux session's name; made from ids only, never from text people wrote."""
    name = f"{prefix}-{number}"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise ValueError(f"not a session id: {name!r}")
    return name


_LONGEST_NAME = 80


def display_name(title: str, prompt: str = "") -> str:
    """Return what a session is called: its issue's title, else the first line of its prompt that says something."""
    lines = (line.lstrip("#").strip() for line in prompt.splitlines())
    name = " ".join((title or next((line for line in lines if line), "")).split())
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1].rstrip() + "…"


def branch_name(session: str) -> str:
    """Return the branch that a session works on; the namespace keeps it apart from people's branches."""
    return f"ao/{session}"
