"""One service at a time for a data directory, whatever becomes of its socket."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import ConfigError

IN_USE = "{place}: a service is running there already (process {pid}): use it, or stop it before starting another"
NOT_LOCKED = "{place}: cannot be locked ({why}): make room on the disk, or choose another AO_DATA_DIR"


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Hold the data directory during the block; `ConfigError` when another process does.

    The kernel lets go of it with the process, however that ends: https://man7.org/linux/man-pages/man2/flock.2.html.
    """
    try:
        lock = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise ConfigError(NOT_LOCKED.format(place=place, why=exc.strerror)) from exc
    with os.fdopen(lock, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            pid = file.read(20).decode(errors="replace").strip() or "unknown"
            raise ConfigError(IN_USE.format(place=place, pid=pid)) from exc
        with contextlib.suppress(OSError):  # a full disk; the lock holds all the same
            file.truncate()
            file.write(b"%d\n" % os.getpid())
        yield
