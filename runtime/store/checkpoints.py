"""Copies what was committed from the write-ahead log into the file, beside the commits.

SQLite would do it within the commit that fills the log, and whoever waits for that one waits twenty times as long.
https://www.sqlite.org/wal.html#checkpointing
"""

import contextlib
import logging
import sqlite3
import threading
from pathlib import Path

log = logging.getLogger(__name__)

EVERY = 512
"""Jobs between two checkpoints. The log starts over after each: writing over its old pages is quicker than growing."""


class Checkpoints:
    """A thread that sleeps until there is enough to copy; `turn` is held by whoever commits."""

    def __init__(self, path: Path, turn: threading.Lock) -> None:
        self._path = path
        self._turn = turn
        self._jobs = 0
        self._due = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="store-checkpoints", daemon=True)
        self._thread.start()

    def count(self, jobs: int) -> None:
        """Note how many jobs were committed; called by whoever holds the turn."""
        self._jobs += jobs
        if self._jobs >= EVERY:
            self._jobs = 0
            self._due.set()

    def close(self) -> None:
        """End the thread; the last connection that is closed copies what is left."""
        self._over = True
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while self._wanted():
            try:
                with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as sqlite:
                    while True:
                        self._copy(sqlite)
                        if not self._wanted():
                            return
            except sqlite3.Error as exc:  # the commits go on; one of them copies when the log is too long
                log.warning("checkpoint failed", extra={"why": str(exc)})

    def _wanted(self) -> bool:
        self._due.wait()
        self._due.clear()
        return not self._over

    def _copy(self, sqlite: sqlite3.Connection) -> None:
        sqlite.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        with self._turn:  # the few pages that came meanwhile: only a log that is all copied starts over
            sqlite.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
