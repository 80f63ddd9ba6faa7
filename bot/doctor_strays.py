"""What `ao doctor` says about things on the disk and in tmux that no session owns."""

import asyncio
from pathlib import Path

from bot.config import Config
from bot.findings import Finding, passed, warning
from runtime import layout, strays
from runtime.errors import TmuxUnavailable
from runtime.store.owners import owners
from runtime.strays import Stray
from runtime.tmux import Tmux

SHOWN = 3
NONE = "every worktree, branch and terminal of ours has its session"


def leftovers(data: Path, config: Config | None) -> list[Finding]:
    """List what has no owner, with how to take it away; nothing is deleted."""
    if not (data / "ao.db").is_file():
        return []
    known = owners(data / "ao.db")
    places = [*strays.repositories(data), *_clones(config)]
    socket = data / "tmux" / "s"
    found = {
        "worktree": strays.worktrees(data, known),
        "branch": strays.branches(places, known),
        "terminal": strays.terminals(_terminals(socket), socket, known),
    }
    told = [_told(kind, those) for kind, those in found.items() if those]
    return told or [passed("leftovers", NONE)]


def _clones(config: Config | None) -> list[tuple[str, Path]]:
    projects = config.projects.values() if config else ()
    paths = [(one.repo, layout.common_directory(one.path.expanduser())) for one in projects if one.path is not None]
    return [(repo, path) for repo, path in paths if path is not None]


def _terminals(socket: Path) -> list[str]:
    if not socket.exists():
        return []
    tmux = Tmux(socket)
    try:
        return list(asyncio.run(tmux.panes()))
    except TmuxUnavailable:  # then nobody knows
        return []
    finally:
        tmux.close()


def _told(kind: str, found: list[Stray]) -> Finding:
    plural = {"branch": "branches"}.get(kind, f"{kind}s")
    count = f"{len(found)} {kind if len(found) == 1 else plural} without a session"
    names = ", ".join(one.name for one in found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
    return warning("leftovers", f"{count}: {names}", f"look what is in it, then: {found[0].remove}")
