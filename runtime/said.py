"""Facts that are somebody's word about a session: a person's, or its agent's own."""

from typing import ClassVar, Literal

from runtime.fact import Fact


class Restored(Fact, frozen=True, kw_only=True):
    """A person brought an ended session back; what ended it before `at` no longer counts."""

    kind: ClassVar[str] = "restored"
    by: str
    after: str = ""
    """The reason of the end that it came back from."""
    how: Literal["resumed", "fresh", ""] = ""
    """Whether the agent went on with its own session; empty until it is launched."""
    why_fresh: str = ""
    """Why it could not; set beforehand, it is not tried."""


class Report(Fact, frozen=True, kw_only=True):
    """What the agent itself has reported with `ao report`."""

    kind: ClassVar[str] = "report"
    state: str
    note: str = ""


class Acknowledged(Fact, frozen=True, kw_only=True):
    """The agent has confirmed with `ao acknowledge` that it has its task."""

    kind: ClassVar[str] = "acknowledged"


class ReportOverdue(Fact, frozen=True, kw_only=True):
    """A word that the agent should have said by now has not come, or has come at last."""

    kind: ClassVar[str] = "report_overdue"
    trigger: Literal["no_acknowledge", "stale_report", ""]
    """What is missing; empty once nothing is any more."""
    since: float = 0.0


class AgentInfo(Fact, frozen=True, kw_only=True):
    """What the agent's own records say: the id it knows itself by, what it spent."""

    kind: ClassVar[str] = "agent_info"
    native_id: str = ""
    cost_usd: float | None = None


class Noted(Fact, frozen=True, kw_only=True):
    """A person's word about the session: displayName, summary, or any key of their own; empty takes it back."""

    kind: ClassVar[str] = "noted"
    key: str
    value: str
    by: str = ""

    def subject(self) -> str:
        """One fact per key."""
        return self.key


class Claimed(Fact, frozen=True, kw_only=True):
    """The session was given a pull request, or has lost it to another session."""

    kind: ClassVar[str] = "claimed"
    number: int
    taken_by: str = ""
    """The session that took it over; empty while this session has it."""
    by: str = ""

    def subject(self) -> str:
        """One fact per pull request."""
        return str(self.number)


class Request(Fact, frozen=True, kw_only=True):
    """Something that a person wants done at the agent's terminal; its keeper does it and says what came of it.

    `pressed` is committed before the keys are, so that a crash in between shows.
    """

    by: str
    state: Literal["asked", "pressed", "done", "failed"] = "asked"
    evidence: str = ""

    @property
    def open(self) -> bool:
        """Tell whether the keeper still has to do something about it."""
        return self.state in ("asked", "pressed")


class Interrupt(Request, frozen=True, kw_only=True):
    """A person wants the agent to stop what it is doing."""

    kind: ClassVar[str] = "interrupt"


class Decision(Request, frozen=True, kw_only=True):
    """A person's answer to one question of the agent, and to no other; `answer` is the choice in its words."""

    kind: ClassVar[str] = "decision"
    question_id: str
    question: str
    allow: bool
    choice: int | None = None
    answer: str = ""
