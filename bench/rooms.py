"""Directories to measure in, which all stay until the run is over.

Deleting files makes new ones slow for up to six minutes: ext4 looks past each inode that was in use a moment ago, one
after the other (`recently_deleted` in https://github.com/torvalds/linux/blob/v6.12/fs/ext4/ialloc.c). After two
repositories of 5,000 files a new file takes 0.6 ms instead of 0.05.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


def room() -> Path:
    """Make an empty directory, which goes when the program ends."""
    return Path(tempfile.mkdtemp(dir=_house()))


@cache
def _house() -> Path:
    house = Path(tempfile.mkdtemp(prefix="ao-bench-", dir="/tmp"))
    atexit.register(shutil.rmtree, house, ignore_errors=True)
    return house
