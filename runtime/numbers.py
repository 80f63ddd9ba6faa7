"""Numbers of sessions as the forge's branches show them: another installation's, or those of a lost data directory."""

import re
from collections.abc import Iterable

MOST = 50_000
"""Anything above is nobody's session: a branch name must not use our numbers up."""


def highest(branches: Iterable[str], prefix: str) -> int:
    """Return the highest number of a branch that is named like one of the prefix's sessions, or 0."""
    own = re.compile(rf"ao/{re.escape(prefix)}-([1-9][0-9]*)(?:/.*)?", re.ASCII)
    found = (int(match[1]) for branch in branches if (match := own.fullmatch(branch)))
    return max((number for number in found if number < MOST), default=0)
