"""Claims an identity for an order that was checked: in one transaction, with everything that belongs to it."""

from runtime.errors import UserError
from runtime.facts import Killed
from runtime.numbers import highest
from runtime.preflight import Order
from runtime.project import Project
from runtime.room import refuse_beside_sessions
from runtime.said import Claimed
from runtime.sessions import Session
from runtime.store import facts, numbers, sessions
from runtime.store.tx import Tx

HAS_SESSION = "Issue #{issue} has a live session already: {session}. Talk to it with `ao send {session}`."
BRANCH_TAKEN = "{branch} is worked on by {session}: end that session first, or name another branch."


class Taken(UserError):
    """A live session has it already; `session` is its id."""

    def __init__(self, message: str, *, session: str) -> None:
        super().__init__(message)
        self.session = session


def claim(tx: Tx, order: Order) -> Session:
    """Make the session; what an earlier one of the same issue has left to be looked at is cleared away.

    Raises:
        Taken: a live session has the issue or the branch.
        UserError: a live session's branch leaves no room for this one.

    """
    project, pull = order.project, order.pull
    if order.branch is not None:
        _take_branch(tx, project, order.branch)
    made = sessions.claim(
        tx, project=project.id, prefix=project.session_prefix, repo=project.repo, issue=order.issue,
        title=order.title, task=order.task, agent=order.agent, base=order.base, asked_by=order.by,
        pull=pull.now.number if pull else None, branch=order.branch, model=order.model,
    )  # fmt: skip
    if made is None:
        other = sessions.of_issue(tx.sql, project.id, order.issue) or ""
        raise Taken(HAS_SESSION.format(issue=order.issue, session=other), session=other)
    for old in sessions.left_behind(tx.sql, made) if made.issue is not None else ():
        facts.learn(tx, old, Killed(by=order.by, reason="superseded"), source="person")
    if pull is not None:
        _take_over(tx, made, order)
    return made


def _take_branch(tx: Tx, project: Project, branch: str) -> None:
    """Refuse a branch that another session has, and give out no number whose session would need it or be in its way."""
    if (other := sessions.on_branch(tx.sql, project.id, branch)) is not None:
        raise Taken(BRANCH_TAKEN.format(branch=branch, session=other), session=other)
    refuse_beside_sessions(tx.sql, project.id, branch)
    numbers.raise_floor(tx, project.id, highest([branch], project.session_prefix))


def _take_over(tx: Tx, session: Session, order: Order) -> None:
    """Give the session its pull request, so that deliveries about it find their way from now on."""
    assert order.pull is not None  # noqa: S101 - asked before
    pull, home = order.pull.now, session.repo.lower()
    sessions.address(tx, session.id, f"pr:{home}#{pull.number}")
    sessions.address(tx, session.id, f"sha:{home}@{pull.head_sha}")
    facts.learn(tx, session.id, pull, source="github")
    facts.learn(tx, session.id, Claimed(number=pull.number, by=order.by), source="person")
