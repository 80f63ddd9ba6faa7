"""Takes the write permission off a worktree that is only for reading."""

import os
import stat
from pathlib import Path

_WRITES = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def seal(worktree: Path) -> None:
    """Make files and directories unwritable for whoever obeys permissions (root does not); again is harmless.

    What git keeps for the worktree is elsewhere, so `git fetch` and `git log` still work.
    """
    for folder, below, files in os.walk(worktree, topdown=False):
        for name in [*files, *below]:
            _seal(Path(folder, name))
    _seal(worktree)


def _seal(path: Path) -> None:
    if not path.is_symlink():
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_WRITES)
