"""Moves a session's worktree to another branch while its agent's terminal stays; nothing that is there is lost."""

from pathlib import Path

from runtime import disk
from runtime.errors import GitFailed, Retryable, UserError
from runtime.git import NOBODY
from runtime.preserve import files_of, has_uncommitted, head_of, preserve, tree_of
from runtime.workspace import Repository, branch_in

DIRTY = (
    "The worktree of {session} has changes that are not committed: commit them there, or throw them away, then claim "
    "the pull request again."
)
AMID = (
    "The worktree of {session} is in the middle of something ({what}): let its agent finish or abort that, then claim "
    "the pull request again."
)
IN_THE_WAY = "The files of {branch} cannot be checked out for {session}: {why}"

_AMID = ("rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG")


def on_branch(repository: Repository, worktree: Path) -> str | None:
    """Return the branch that a worktree is on, or None when it is on none."""
    return branch_in(repository.admin(worktree) / "HEAD")


async def refuse_unfinished(repository: Repository, worktree: Path, session: str) -> None:
    """Raise `UserError` if a worktree has uncommitted changes, or is on no branch: it cannot be switched."""
    admin = repository.admin(worktree)
    amid = next((name for name in _AMID if (admin / name).exists()), None)
    if amid is None and on_branch(repository, worktree) is None:
        amid = "no branch is checked out"
    if amid is not None:
        raise UserError(AMID.format(session=session, what=amid))
    if await has_uncommitted(repository, worktree, on_branch(repository, worktree) or ""):
        raise UserError(DIRTY.format(session=session))


async def branch_off(repository: Repository, worktree: Path, old: str, new: str) -> None:
    """Begin the branch `new` where `old` is, and let a worktree that is on `old` be on it; files stay as they are."""
    tip = await repository.resolve(f"refs/heads/{old}")
    if tip is not None:  # one that an earlier try has begun stays where it is: the old one may have moved since
        await repository.git.attempt("update-ref", f"refs/heads/{new}", tip, NOBODY, git_dir=repository.control)
    if on_branch(repository, worktree) == old:
        disk.write(repository.admin(worktree) / "HEAD", f"ref: refs/heads/{new}\n")


async def go_back(repository: Repository, worktree: Path, old: str, new: str) -> None:
    """Undo `branch_off`: nothing is on `new` that is not on `old`."""
    tip = await repository.resolve(f"refs/heads/{new}")
    if tip is None:
        return
    await repository.run("update-ref", f"refs/heads/{old}", tip)
    if on_branch(repository, worktree) == new:
        disk.write(repository.admin(worktree) / "HEAD", f"ref: refs/heads/{old}\n")
    await repository.run("update-ref", "-d", f"refs/heads/{new}", tip)


async def put_branch(repository: Repository, session: str, branch: str, tip: str) -> None:
    """Let the local branch be at `tip`; commits that no other branch has are kept under a ref first."""
    ref = f"refs/heads/{branch}"
    ours = await repository.resolve(ref)
    if ours == tip:
        return
    if ours is not None and not await repository.contains(tip, ours) and await _only_on(repository, ref, ours):
        await repository.run("update-ref", f"refs/ao/preserved/{session}/{ours[:12]}", ours)
    await repository.run("update-ref", ref, tip)


async def _only_on(repository: Repository, ref: str, commit: str) -> bool:
    listed = await repository.run("for-each-ref", f"--contains={commit}", "--format=%(refname)", "refs/heads/")
    return set(listed.split()) <= {ref}


async def switch(
    repository: Repository, worktree: Path, branch: str, *, session: str, at: float, cut_off: bool
) -> None:
    """Check out the local `branch` in a clean worktree; what an earlier try has begun is brought to its end.

    With `cut_off` an earlier try was certainly begun on a clean worktree, so that a mixture of both branches' files is
    its doing; it is kept under a ref before it goes, because the agent may have worked there since.
    """
    if on_branch(repository, worktree) == branch:
        return
    head, tip = await head_of(repository, worktree), f"refs/heads/{branch}"
    files, wanted = await files_of(repository, worktree, head), await tree_of(repository, await repository.resolve(tip))
    if files != wanted:
        if files == await tree_of(repository, head):
            await _read(repository, worktree, branch, session, "-m", "-u", head or "", tip)
        elif cut_off:
            await preserve(repository, worktree, on_branch(repository, worktree) or branch, session, at)
            await _read(repository, worktree, branch, session, "--reset", "-u", tip)
        else:
            raise UserError(DIRTY.format(session=session))
    else:
        await _read(repository, worktree, branch, session, tip)
    disk.write(repository.admin(worktree) / "HEAD", f"ref: {tip}\n")


async def _read(repository: Repository, worktree: Path, branch: str, session: str, *how: str) -> None:
    """Fill the worktree's own index, and its files with `-u`."""
    env = {"GIT_INDEX_FILE": str(repository.admin(worktree) / "index")}
    try:
        await repository.git.attempt(
            "update-index", "-q", "--refresh", git_dir=repository.control, work_tree=worktree, env=env, deadline=600
        )
        await repository.run("read-tree", *how, work_tree=worktree, env=env, deadline=600)
    except GitFailed as exc:
        if "index.lock" in exc.stderr:
            raise Retryable("the agent's git is at work in its worktree", after=0.5) from exc
        raise UserError(IN_THE_WAY.format(branch=branch, session=session, why=exc)) from exc
