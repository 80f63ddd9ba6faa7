"""Reads the audit trail."""

from bot.api.records import RecordView
from bot.journal_views import record_views
from runtime.store import records
from runtime.store.store import Store


class Records:
    """Implements `bot.api.records.RecordsPort`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def after(self, id: int, *, limit: int) -> list[RecordView]:
        """Return the next records after an id, oldest first."""
        return record_views(self._store, after=id, limit=limit)

    def newest(self) -> int:
        """Return the id of the newest record, 0 when there is none."""
        return records.newest(self._store)

    async def changed(self, *, after: int) -> None:
        """Wait until there is a record with a greater id; may return early."""
        with self._store.listening("records") as news:
            if self.newest() <= after:
                await news.wait()
