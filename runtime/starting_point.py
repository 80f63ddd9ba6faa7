"""Which commit a session starts from: its base's newest, or what others have begun, which is never reset."""

from runtime.errors import GitFailed
from runtime.repository import BareRepository
from runtime.sessions import Session, branch_name

NO_HEAD = "{repo} has no branch {branch} any more, which pull request #{pull} is made of: push it again."
PARTED = (
    "{branch} in {path} and {branch} on the forge have parted: bring them together there (git pull --rebase), then "
    "start the session again."
)


def is_own(session: Session) -> bool:
    """Tell whether the session's branch is its alone, not one that others have begun."""
    return session.branch == branch_name(session.id)


async def starting_point(repository: BareRepository, session: Session, base: str) -> str:
    """Return the commit; `base` is the newest of the base branch, and everything is freshly fetched.

    Raises:
        GitFailed: there is nothing that could be gone on with, or two different things.

    """
    if is_own(session):
        return base
    theirs = await repository.sha_of(session.branch)
    ours = await repository.resolve(f"refs/heads/{session.branch}")
    if theirs is None and session.pull is not None:
        raise GitFailed(NO_HEAD.format(repo=session.repo, branch=session.branch, pull=session.pull))
    if ours is None or theirs is None:
        return theirs or ours or base
    if await repository.contains(ours, theirs):
        return ours
    if not await repository.contains(theirs, ours):
        raise GitFailed(PARTED.format(branch=session.branch, path=repository.path))
    return theirs
