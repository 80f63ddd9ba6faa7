"""Keep what an agent leaves behind: before a worktree goes, its work gets a ref of its own.

The worktree is read through a temporary index and stays untouched. Files count as git would add them: untracked ones
too, ignored ones not; repositories that the agent cloned or made inside its worktree as plain files.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from runtime import disk
from runtime.git import NOBODY
from runtime.snapshot import Snapshot
from runtime.workspace import Repository

_EMAIL = "agent-orchestrator@localhost"
_AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Agent Orchestrator"), ("EMAIL", _EMAIL))
}


class Preserved(msgspec.Struct, frozen=True, kw_only=True):
    """Where work is kept; `uncommitted` tells a snapshot of files from commits that were never pushed."""

    ref: str
    sha: str
    uncommitted: bool
    unreadable: str = ""


async def preserve(
    repository: Repository, worktree: Path, branch: str, session: str, at: float, *, pushed_shas: Collection[str] = ()
) -> Preserved | None:
    """Keep uncommitted and unpushed work under `refs/ao/preserved/<session>/<time>`; None when there is none.

    `pushed_shas` are commits that went to the forge; as after a squash merge, no branch need hold them any more.
    The same work again gives the same ref. A worktree that is broken or gone loses only what was not committed.
    """
    tip = await repository.resolve(f"refs/heads/{branch}")
    head = await head_of(repository, worktree) or tip
    tree, unreadable = await _snapshot_tree(repository, worktree, head)
    uncommitted = tree is not None and tree != await tree_of(repository, head)
    tips = list(dict.fromkeys(sha for sha in (head, tip) if sha))
    unpushed = [sha for sha in tips if await repository.beyond_forge("rev-list", "-1", sha, pushed=pushed_shas)]
    if not uncommitted and not unpushed:
        return None
    if uncommitted or len(unpushed) > 1:
        sha = await _commit(repository, tree or f"{head}^{{tree}}", tips, session, at)
    else:
        sha = unpushed[0]
    ref = await _keep(repository, sha, session, at)
    return Preserved(ref=ref, sha=sha, uncommitted=uncommitted, unreadable=unreadable)


async def kept_refs(repository: Repository, session: str) -> list[str]:
    """Return the refs under which work of a session is kept, the newest first."""
    return sorted(await _kept(repository, session, "%(refname)"), reverse=True)


async def kept_files(repository: Repository, session: str, tip: str) -> Preserved | None:
    """Return the newest kept files that were changes to the commit `tip` and to nothing else."""
    found = await _kept(repository, session, "%(refname) %(objectname) %(authoremail) %(parent)")
    for line in sorted(found, reverse=True):
        ref, sha, email, *parents = line.split()
        if parents == [tip] and email == f"<{_EMAIL}>":
            return Preserved(ref=ref, sha=sha, uncommitted=True)
    return None


async def begun_at(repository: Repository, session: str) -> str | None:
    """Return the commit that the newest kept work was changes to, when it is files that no commit of an agent has."""
    found = await _kept(repository, session, "%(refname) %(authoremail) %(parent)")
    email, *parents = max(found, default="").split()[1:] or [""]
    return parents[0] if email == f"<{_EMAIL}>" and len(parents) == 1 else None


async def has_uncommitted(repository: Repository, worktree: Path, branch: str) -> bool:
    """Return whether a worktree holds changes that no commit has; False when it is gone."""
    head = await head_of(repository, worktree) or await repository.resolve(f"refs/heads/{branch}")
    tree = await files_of(repository, worktree, head)
    return tree is not None and tree != await tree_of(repository, head)


async def files_of(repository: Repository, worktree: Path, head: str | None) -> str | None:
    """Return the tree of a worktree's files as they are, committed or not; None without a worktree."""
    return (await _snapshot_tree(repository, worktree, head))[0]


async def head_of(repository: Repository, worktree: Path) -> str | None:
    """Return the commit a worktree is at, which need not be on its session's branch."""
    text = (disk.read(repository.admin(worktree) / "HEAD") or "").strip().removeprefix("ref: ")
    return await repository.resolve(text) if text and not text.startswith("-") else None


async def tree_of(repository: Repository, commit: str | None) -> str | None:
    """Return the tree of a commit."""
    return (await repository.run("rev-parse", f"{commit}^{{tree}}")).strip() if commit else None


async def _commit(repository: Repository, tree: str, parents: list[str], session: str, at: float) -> str:
    """Return a commit of the tree on these parents, the one already kept for this session if it is the same."""
    tree = (await repository.run("rev-parse", tree)).strip()
    for line in await _kept(repository, session, "%(objectname) %(tree) %(parent)"):
        if line.split()[1:] == [tree, *parents]:
            return line.split()[0]
    dates = {"GIT_AUTHOR_DATE": f"@{int(at)} +0000", "GIT_COMMITTER_DATE": f"@{int(at)} +0000"}
    onto = [part for parent in parents for part in ("-p", parent)]
    message = f"Work of {session} that was not pushed"
    return (await repository.run("commit-tree", tree, *onto, "-m", message, env=_AUTHOR | dates)).strip()


async def _keep(repository: Repository, sha: str, session: str, at: float) -> str:
    """Return the ref that keeps a commit, a new one unless there is one already."""
    taken = set()
    for line in await _kept(repository, session, "%(objectname) %(refname)"):
        kept, ref = line.split(" ", 1)
        if kept == sha:
            return ref
        taken.add(ref)
    time = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    names = (f"refs/ao/preserved/{session}/{time}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    ref = next(name for name in names if name not in taken)
    await repository.run("update-ref", ref, sha, NOBODY)
    return ref


async def _kept(repository: Repository, session: str, form: str) -> list[str]:
    return (await repository.run("for-each-ref", f"--format={form}", f"refs/ao/preserved/{session}/")).splitlines()


async def _snapshot_tree(repository: Repository, worktree: Path, head: str | None) -> tuple[str | None, str]:
    """Return the tree of a worktree's files and git's words about files it could not read; None without a worktree."""
    if not disk.is_own_directory(worktree):
        return None, ""
    return await Snapshot(repository, worktree).take(head)
