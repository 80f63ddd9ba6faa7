"""Child sessions: a session starts others beside itself, hears how they end, and takes them along when it ends."""

import sqlalchemy as sa

from runtime.errors import UserError
from runtime.facts import Killed
from runtime.inbox import OF_SESSION
from runtime.project import Project
from runtime.sessions import Session
from runtime.status import Judgement
from runtime.store import facts, messages, sessions
from runtime.store.tx import Tx

ENDED = "{parent} has ended ({status}), so it can start no children."
TOO_DEEP = (
    "{parent} is {depth} levels below a person's own session, and the project allows {limit}: do the work yourself."
)
HAS_ENDED = "{child} has ended: {status} ({reason})."
LIVES = "{child} has not ended: it was found alive and goes on."


def depth(sql: sa.Connection, session: Session) -> int:
    """Return how many parents a session has above it."""
    levels, above = 0, session.parent
    while above is not None and (parent := sessions.get(sql, above)) is not None:
        levels, above = levels + 1, parent.parent
    return levels


def start(tx: Tx, parent: Session, project: Project, *, title: str, task: str, agent: str | None = None) -> Session:
    """Claim a session that works on a part of its parent's task, from the parent's newest commit.

    Raises:
        UserError: the parent has ended, or has as many levels above it as the project allows.

    """
    if not parent.live:
        raise UserError(ENDED.format(parent=parent.id, status=parent.announced_status))
    levels, limit = depth(tx.sql, parent), project.limits.child_depth
    if levels >= limit:
        raise UserError(TOO_DEEP.format(parent=parent.id, depth=levels, limit=limit))
    child = sessions.claim(
        tx, project=project.id, prefix=project.session_prefix, repo=parent.repo, issue=None, title=title, task=task,
        agent=agent or parent.agent, base=parent.base, asked_by=parent.id, parent=parent.id,
    )  # fmt: skip
    assert child is not None  # noqa: S101 - only a claimed issue can be taken
    return child


def tell_parent(tx: Tx, child: Session, text: str, *, key: str) -> bool:
    """Put a message into the parent's inbox, where it waits even while the parent is away; False without a parent."""
    if child.parent is None or sessions.get(tx.sql, child.parent) is None:
        return False
    messages.add(tx, child.parent, kind=OF_SESSION, source_key=key, author=child.id, parts={"body": text})
    return True


def has_ended(tx: Tx, session: Session, judged: Judgement) -> None:
    """Tell the parent of an ended session, and end its children: nobody waits for their work any more.

    A session whose terminal was lost may come back, so its children go on.
    """
    told = HAS_ENDED.format(child=session.id, status=judged.status, reason=judged.reason)
    tell_parent(tx, session, told, key=f"ended:{session.id}:{tx.now}")
    if judged.reason == "runtime_lost":
        return
    for name in sessions.children(tx.sql, session.id):
        facts.learn(tx, name, Killed(by=session.id, reason="parent_ended"), source="service")


def lives_after_all(tx: Tx, session: Session, *, lost_at: float) -> None:
    """Take back what its parent was told when a session was lost."""
    tell_parent(tx, session, LIVES.format(child=session.id), key=f"alive:{session.id}:{lost_at}")
