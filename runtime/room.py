"""Whether there is room for a branch beside those that a repository and its forge have."""

import re
from collections.abc import Collection
from pathlib import Path

import sqlalchemy as sa

from runtime.branches import in_the_way
from runtime.errors import GitFailed, UserError
from runtime.repository import BareRepository
from runtime.sessions import Session
from runtime.store import sessions

HERE = (
    "There is no room for {branch} beside the branch {other} in {path}: rename that one or delete it, or name another "
    "branch."
)
AT_WORK = (
    "There is no room for {branch} beside the branch {other}, which {session} works on: end that session first, or "
    "name another branch."
)
THERE = "There is no room for {branch} beside the branch {other}, which the forge has: name another branch."
BESIDE = (
    "There is no room for {branch} beside the branch {other} of {repo}, so that it could not be pushed: rename that "
    "one or delete it there, then start the session again."
)

_IN_THE_WAY = re.compile(r"'refs/heads/([^'\n]+)' exists; cannot create")


async def no_room(repository: BareRepository, branch: str, *, is_there: bool = False) -> str | None:
    """Return why git could not make a branch or push it, or None; with `is_there` the forge has it already."""
    if (other := in_the_way(branch, await repository.own_branches())) is not None:
        return HERE.format(branch=branch, other=other, path=repository.path)
    if not is_there and (other := in_the_way(branch, await repository.branches_around(branch))) is not None:
        return THERE.format(branch=branch, other=other)
    return None


def refuse_beside(theirs: Collection[str], session: Session) -> None:
    """Raise `UserError` if the forge has a branch that leaves no room for a session's own."""
    if (other := in_the_way(session.branch, theirs)) is not None:
        raise UserError(BESIDE.format(branch=session.branch, other=other, repo=session.repo))


def refuse_beside_sessions(sql: sa.Connection, project: str, branch: str) -> None:
    """Raise `UserError` if a live session has a branch that leaves no room, also one that is not made yet."""
    at_work = sessions.branches(sql, project)
    if (other := in_the_way(branch, at_work)) is not None:
        raise UserError(AT_WORK.format(branch=branch, other=other, session=at_work[other]))


def not_made(branch: str, said: str, repository: Path) -> GitFailed:
    """Return the error for a branch that git could not make, by what git said."""
    found = _IN_THE_WAY.search(said)
    why = HERE.format(branch=branch, other=found[1], path=repository) if found else f"cannot create {branch}: {said}"
    return GitFailed(why.strip(), stderr=said)
