"""Finds worktrees, branches and terminals that no session owns: listed for a person, never deleted."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from runtime.store.owners import Owners

BRANCHES = "refs/heads/ao/"
_SESSION = re.compile(r"[a-z0-9][a-z0-9-]*-(\d+|orchestrator)")


class Stray(NamedTuple):
    """A thing without an owner, and the command that takes it away once somebody has looked at it."""

    name: str
    remove: str


def worktrees(data: Path, known: Owners) -> list[Stray]:
    """Return the worktrees below the data directory that belong to no session any more."""
    return [
        Stray(str(place), f"rm -r {quote(str(place))}")
        for place in sorted((data / "worktrees").glob("*/*"))
        if _SESSION.fullmatch(place.name) and place.name not in known.sessions
    ]


def branches(repositories: Iterable[tuple[str, Path]], known: Owners) -> list[Stray]:
    """Return the branches of sessions in these repositories, each with its name on the forge, that none ever had."""
    return [
        Stray(f"{branch} in {path}", f"git -C {quote(str(path))} branch -D {quote(branch)}")
        for repo, path in repositories
        for branch in sorted(set(_session_branches(path)))
        if (repo.lower(), branch) not in known.branches
    ]


def terminals(names: Iterable[str], socket: Path, known: Owners) -> list[Stray]:
    """Return the tmux sessions that belong to no session any more."""
    return [
        Stray(name, f"tmux -S {quote(str(socket))} kill-session -t {quote(f'={name}')}")
        for name in sorted(names)
        if name not in known.sessions
    ]


def repositories(data: Path) -> list[tuple[str, Path]]:
    """Return the bare repositories below the data directory with their names on the forge."""
    found = sorted((data / "repos").glob("*/*.git"))
    return [(f"{path.parent.name}/{path.name.removesuffix('.git')}", path) for path in found]


def _session_branches(repository: Path) -> Iterator[str]:
    """Read the names from the files: git, asked here, would obey a configuration that agents can write."""
    loose = repository / BRANCHES
    if loose.is_dir():
        yield from (f"ao/{file.relative_to(loose)}" for file in loose.rglob("*") if file.is_file())
    try:
        packed = (repository / "packed-refs").read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in packed:
        _, _, ref = line.partition(" ")
        if ref.startswith(BRANCHES):
            yield ref.removeprefix("refs/heads/")
