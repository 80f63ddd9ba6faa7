"""Which names a branch may have, and which of them leave no room for each other."""

import os
import re
import unicodedata
from collections.abc import Iterable

LONGEST = 200
"""Bytes; a file system takes 255 for a name, see https://man7.org/linux/man-pages/man3/pathconf.3.html."""

_RULED_OUT = re.compile(r"^[-/]|(^|/)\.|\.\.|//|@\{|[~^:?*\[\\]|\.lock(/|$)|[/.]$|^$|^@$|^HEAD$|^refs/")
"""What `git help check-ref-format` rules out, and what git takes for something else than a branch."""


def is_branch_name(name: str) -> bool:
    """Tell whether git makes a branch of this name, and people see which one it is."""
    unseen = any(unicodedata.category(char)[0] in "CZ" for char in name)
    return not unseen and not _RULED_OUT.search(name) and len(os.fsencode(name)) <= LONGEST


def in_the_way(branch: str, others: Iterable[str]) -> str | None:
    """Return the first of the others that git cannot have beside a branch: `a` is a directory where there is `a/b`."""
    below = f"{branch}/"
    return min((one for one in others if one.startswith(below) or branch.startswith(f"{one}/")), default=None)
