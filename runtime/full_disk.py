"""Whether something failed because a disk is full, which git does not say when it writes a worktree's files."""

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path

FULL = "The disk of {place} is full: free some space there ({why})"

NOTHING, LITTLE = 1 << 20, 64 << 20
"""Bytes below which any failure is taken for the disk's, and below which a failure to write is."""

_SAYS_SO = re.compile(r"No space left on device|Disk quota exceeded")
_CANNOT_WRITE = re.compile(r"(unable|failed|could not) to write|could not write|write error", re.IGNORECASE)


def why(error: Exception, places: Iterable[Path]) -> str:
    """Return what an error says, and before it which disk is full if that is the reason; ask before anything goes."""
    said = str(error)
    full = _named(error) or _fullest(f"{said}\n{getattr(error, 'stderr', '')}", [_there(place) for place in places])
    return FULL.format(place=full, why=said) if full is not None else said


def _named(error: Exception) -> Path | None:
    """Return the file that the system says it had no room for."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT) and error.filename:
        return _there(Path(os.fsdecode(error.filename)))
    return None


def _fullest(said: str, places: list[Path]) -> Path | None:
    fullest = min(places, key=_free)
    if _SAYS_SO.search(said):
        return fullest
    return fullest if _free(fullest) < (LITTLE if _CANNOT_WRITE.search(said) else NOTHING) else None


def _free(place: Path) -> int:
    """Return how many bytes can be written; none where no file can be made any more."""
    found = os.statvfs(place)
    return 0 if found.f_files and not found.f_favail else found.f_bavail * found.f_frsize


def _there(place: Path) -> Path:
    """Return the place or what is above it, whichever is there."""
    return next(path for path in (place, *place.parents) if path.exists())
