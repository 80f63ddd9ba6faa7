"""Messages to agents: what one says, and how it reads when it is typed."""

from typing import Any

import msgspec

QUEUED, PASTED, ACCEPTED, ANSWERED, FAILED = "queued", "pasted", "accepted", "answered", "failed"
OF_SESSION = "session"
"""The kind of what one session says to another; it waits while that one is away."""

INTERRUPT = "interrupt"
"""What a person says to an agent that they have just interrupted."""
NOTICE = "notice"
"""What the service itself has to say."""
MACHINES = frozenset({"ci", OF_SESSION, NOTICE})
"""Kinds that no person wrote: they go after people's."""

TELLING = 24
"""Characters that a text needs at least to be told from others by its words alone."""


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
    def rank(self) -> int:
        """What goes first when several wait: what was said to interrupt, then people, then machines."""
        return 0 if self.kind == INTERRUPT else 2 if self.kind in MACHINES else 1

    @property
    def origin(self) -> str:
        """What it is and whose, in words."""
        return origin(self.kind, self.author)

    @property
    def waiting(self) -> bool:
        """Tell whether it still has to reach the agent."""
        return self.state in (QUEUED, PASTED)


def origin(kind: str, author: str) -> str:
    """Return what a message of this kind is and whose, in words."""
    return f"{'words' if kind == 'person' else kind} from {'a person' if author == 'person' else author}"


def same_text(one: str, other: str) -> bool:
    """Tell whether two texts are the same prompt: agents fold white space when they take text in."""
    return one.split() == other.split()


def within(text: str, prompt: str) -> bool:
    """Tell whether a prompt contains a text of some length, as when it was joined to a draft in the composer."""
    wanted = "".join(text.split())
    return len(wanted) >= TELLING and wanted in "".join(prompt.split())
