"""Messages to agents: what one says, and how it reads when it is typed."""

from typing import Any

import msgspec

QUEUED, PASTED, ACCEPTED, ANSWERED, FAILED = "queued", "pasted", "accepted", "answered", "failed"
CHILD = "child"
"""The kind of what a child session says to its parent."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one session; its source key makes it unique for ever."""

    id: int
    session_id: str
    kind: str
    source_key: str
    author: str
    parts: dict[str, Any]
    state: str
    evidence: str
    text: str | None
    created_at: float
    not_before: float
    changed_at: float
    attempts: int
    expires_at: float | None = None

    @property
    def waiting(self) -> bool:
        """Tell whether it still has to reach the agent."""
        return self.state in (QUEUED, PASTED)


def same_text(one: str, other: str) -> bool:
    """Tell whether two texts are the same prompt: agents fold white space when they take text in."""
    return one.split() == other.split()
