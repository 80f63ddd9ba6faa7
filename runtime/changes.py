"""What outbound stories are told: things that have just become true, inside the transaction that made them so."""

import msgspec

from runtime.facts import Facts
from runtime.inbox import Message
from runtime.sessions import Session
from runtime.status import Judgement


class StatusChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The derived status differs from the one last announced; `before` is empty for a new session."""

    session: Session
    facts: Facts
    before: str
    judgement: Judgement


class FoundAlive(msgspec.Struct, frozen=True, kw_only=True):
    """A session that was announced as lost at `lost_at` lives after all, and is live again."""

    session: Session
    lost_at: float


class TurnEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The agent finished a turn; `answered` are the messages it took in since the turn before."""

    session: Session
    facts: Facts
    answered: tuple[Message, ...]
    last_message: str
    commit: str
    """The last commit pushed while those messages were worked on; empty when there was none."""


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """The worktree and branch of an ended session are gone."""

    session: Session


class Undelivered(msgspec.Struct, frozen=True, kw_only=True):
    """A message was given up; the agent has not taken it in."""

    session: Session
    message: Message
    why: str


class QueueMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A session that waits for a free slot has another place in the queue, or 0 because it may start."""

    session: Session
    position: int


class IssueMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A person gave the session another issue than `before`, or took it away; either may be None."""

    session: Session
    before: int | None


Change = IssueMoved | StatusChanged | FoundAlive | TurnEnded | Cleared | Undelivered | QueueMoved
