"""Where a line of a file stands in a difference: hunks for review comments and lines that move with later pushes."""

from __future__ import annotations

import re
from pathlib import Path

from bot.demo.github import git
from bot.demo.github.commits import HUNK, FileChange


def hunk_at(change: FileChange, line: int, side: str) -> tuple[str, int] | None:
    """The hunk from its header down to a line, and the line's position in the patch; None outside the difference."""
    old = new = position = 0
    hunk: list[str] = []
    for index, text in enumerate(change.patch.splitlines()):
        header = HUNK.match(text)
        if header:
            old, new, hunk = int(header.group(1)) - 1, int(header.group(3)) - 1, [text]
            continue
        position = index
        hunk.append(text)
        old += text[:1] in (" ", "-")
        new += text[:1] in (" ", "+")
        here = new if side == "RIGHT" else old
        if here == line and text[:1] in (" ", "+" if side == "RIGHT" else "-"):
            return "\n".join(hunk), position
    return None


async def follow(repo: Path, old: str, new: str, path: str, line: int) -> int | None:
    """The number that a line of `old` has in `new`; None when it was changed or removed."""
    out = await git.git(
        repo, "diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames", old, new, "--", path
    )
    if "\ndeleted file mode" in out:
        return None
    shift = 0
    for match in re.finditer(HUNK, out):
        start, count = int(match.group(1)), int(match.group(2) or 1)
        added = int(match.group(4) or 1)
        if count and start <= line < start + count:
            return None
        if start < line:
            shift += added - count
    return line + shift
