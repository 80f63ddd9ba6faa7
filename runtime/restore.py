"""Brings an ended session back: the same id, branch, worktree and messages; its keeper starts the agent again."""

from runtime.errors import UserError
from runtime.facts import Facts
from runtime.look import Look, look
from runtime.said import Restored
from runtime.sessions import Session
from runtime.store import facts, restores, sessions
from runtime.store.tx import Tx

LIVE = "{id} is live ({status}): watch it with `ao session attach {id}`, talk to it with `ao send {id}`"
MERGED = "pull request #{number} of {id} is merged: `ao session restore {id} --force` brings it back all the same"
ISSUE_TAKEN = "{other} works on issue #{issue} now: talk to that one, or end it with `ao session kill {other}`"
BRANCH_TAKEN = "{other} works on the branch {branch} now: end it with `ao session kill {other}`, then restore {id}"


def why_not(seen: Look, *, force: bool = False) -> str | None:
    """Return why a session cannot be brought back, or None when it can; `force` allows it after a merge."""
    session, pull = seen.session, seen.facts.pull_request
    if session.live and seen.agent_runs:
        return LIVE.format(id=session.id, status=session.announced_status)
    if pull is not None and pull.state == "merged" and not force:
        return MERGED.format(id=session.id, number=pull.number)
    return None


def is_merged(known: Facts) -> bool:
    """Tell whether the session has done its work."""
    return known.pull_request is not None and known.pull_request.state == "merged"


def bring_back_if_gone(tx: Tx, name: str, *, by: str, force: bool = False) -> bool:
    """Make a session live again whose agent is gone, and return whether it was; `force` allows it after a merge.

    Raises:
        UserError: it must not be brought back, or another live session has its issue or its branch.

    """
    found = look(tx.sql, name)
    if found is None or (found.session.live and found.agent_runs):
        return False
    if why := why_not(found, force=force):
        raise UserError(why)
    bring_back(tx, found.session, by=by)
    return True


def bring_back(tx: Tx, session: Session, *, by: str, fresh_because: str = "") -> None:
    """Make the session live again; nothing happens when it is, so that two who ask at once get one.

    Messages that only its end kept from the agent wait again. With `fresh_because` the agent does not go on with its
    own session.

    Raises:
        UserError: another live session has its issue or its branch.

    """
    seen = look(tx.sql, session.id)
    if seen is not None and not (seen.session.live and seen.agent_runs):
        _refuse_what_is_taken(tx, seen.session)
        _begin_another_life(tx, seen, by, fresh_because)


def start_over(tx: Tx, session: Session, *, by: str, because: str) -> None:
    """End the session's agent, if it still runs, and start another one in its place that knows nothing of it."""
    seen = look(tx.sql, session.id)
    if seen is not None:
        _begin_another_life(tx, seen, by, because)


def _begin_another_life(tx: Tx, seen: Look, by: str, fresh_because: str) -> None:
    session = seen.session
    at = max(tx.now, restores.newest_fact(tx.sql, session.id))  # the machine's clock may have been set back
    restores.undo_end(tx, session)
    back = Restored(at=at, by=by, after=session.announced_reason, why_fresh=fresh_because)
    facts.learn(tx, session.id, back, source="person")
    tx.record("restored", f"{session.id} brought back by {by}", session_id=session.id, after=back.after)
    tx.wake("sessions")


def _refuse_what_is_taken(tx: Tx, session: Session) -> None:
    for other in sessions.listing(tx.sql, project=session.project):
        if other.id == session.id:
            continue
        if session.issue is not None and other.issue == session.issue:
            raise UserError(ISSUE_TAKEN.format(other=other.id, issue=session.issue))
        if other.branch == session.branch:
            raise UserError(BRANCH_TAKEN.format(other=other.id, branch=session.branch, id=session.id))
