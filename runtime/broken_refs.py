"""Drops refs of a repository of ours that lead nowhere, as a power failure or an agent leaves them."""

import logging
import os
import re
from pathlib import Path

from runtime import disk
from runtime.git import Git

log = logging.getLogger(__name__)

IN_THE_WAY = re.compile(r"bad object|missing object|reference broken|failed to unpack tree object|no answer within")
"""What is said when such a ref may be why a command failed."""

_NO_REF = re.compile(r"^warning: ignoring broken ref (\S+)$", re.MULTILINE)
_FETCHED = "refs/remotes/"


async def drop(git: Git, repository: Path, control: Path) -> bool:
    """Drop the refs whose commit is missing or whose file is no ref; tell whether there were any."""
    odd = [name for name in _odd_files(repository) if disk.unlink_below(repository, name)]
    listed = await git.attempt("for-each-ref", "--format=%(refname) %(objectname)", git_dir=control)
    torn = [name for name in _NO_REF.findall(listed.err) if disk.unlink_below(repository, name)]
    commits = dict(line.split(" ", 1) for line in listed.out.splitlines())
    dangling = await _dangling(git, control, commits)
    for name in dangling:
        await git.attempt("update-ref", "--no-deref", "-d", name, commits[name], git_dir=control)
    for name in (*odd, *torn, *dangling):
        which = {"repository": str(repository), "ref": name, "commit": commits.get(name)}
        log.warning("dropped a ref that leads nowhere", extra=which)
    return bool(odd or torn or dangling)


async def _dangling(git: Git, control: Path, commits: dict[str, str]) -> list[str]:
    """Return the refs whose commit is missing.

    When all are, it may be the objects that are out of reach for a while: only what a fetch brings back is named then.
    """
    asked = "".join(f"{sha}\n" for sha in commits.values())
    found = await git.run("cat-file", "--batch-check", git_dir=control, input=asked)
    missing = {line.removesuffix(" missing") for line in found.splitlines() if line.endswith(" missing")}
    names = [name for name, sha in commits.items() if sha in missing]
    return names if len(names) < len(commits) else [name for name in names if name.startswith(_FETCHED)]


def _odd_files(repository: Path) -> list[str]:
    """Return what stands among the refs and is no file: git would read it all the same, from a pipe for ever."""
    files = [Path(folder, name) for folder, _, names in os.walk(repository / "refs") for name in names]
    return [str(file.relative_to(repository)) for file in files if file.is_symlink() or not file.is_file()]
