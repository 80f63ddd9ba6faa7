"""Which bodies have come lately, to notice one that comes again under another delivery id.

Kept in memory, because an index of hashes costs every delivery a page of the log in a random place. It is filled from
the journal, and the journal has the last word: what is remembered of a commit that failed is not believed.
"""

import sqlite3

WINDOW = 72 * 3600
"""How long a body is known; seconds."""

_FORGET_EVERY = 1024

_ENDS = "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM deliveries"
_FROM = "SELECT id, received_at FROM deliveries WHERE id >= ? ORDER BY id LIMIT 1"
_HASHES = "SELECT body_hash, id FROM deliveries WHERE id >= ? ORDER BY id"
_SAME = "SELECT 1 FROM deliveries WHERE id = ? AND body_hash = ? AND received_at > ?"


class Bodies:
    """The bodies of the last three days by the beginnings of their hashes; used by whoever holds the write connection.

    Each takes up about 120 bytes, and 4 microseconds when the service starts.
    """

    def __init__(self) -> None:
        self._came: dict[int, int] | None = None
        self._added = 0

    def first(self, sqlite: sqlite3.Connection, digest: bytes, now: float) -> int | None:
        """Return the delivery that this body came with before, if it came within the window."""
        if self._came is None:
            oldest = _oldest(sqlite, now - WINDOW)
            self._came = {_key(digest): id for digest, id in sqlite.execute(_HASHES, (oldest,))}
        id = self._came.get(_key(digest))
        known = id is not None and sqlite.execute(_SAME, (id, digest, now - WINDOW)).fetchone() is not None
        return id if known else None

    def add(self, sqlite: sqlite3.Connection, digest: bytes, id: int, now: float) -> None:
        """Remember a body that `first` did not know and that was written; now and then forget what is too old."""
        if self._came is None:
            return
        self._came[_key(digest)] = id
        self._added += 1
        if self._added % _FORGET_EVERY == 0:
            oldest = _oldest(sqlite, now - WINDOW)
            self._came = {key: id for key, id in self._came.items() if id >= oldest}


def _key(digest: bytes) -> int:
    return int.from_bytes(digest[:8])


def _oldest(sqlite: sqlite3.Connection, since: float) -> int:
    """Return the lowest id of what was received after a moment.

    Ids grow with time, so a few rows tell: the time stands behind the body, which would have to be read for each.
    """
    low, high = sqlite.execute(_ENDS).fetchone()
    high += 1
    while low < high:
        middle = (low + high) // 2
        found = sqlite.execute(_FROM, (middle,)).fetchone()
        if found is None or found[1] > since:
            high = middle
        else:
            low = found[0] + 1
    return int(low)
