"""Reads the audit trail."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from bot.api.operation import Unknown
from bot.api.records import RecordView, Wanted
from bot.journal_views import record_view
from bot.service.seen import NO_SESSION, check
from runtime.errors import WrongUse
from runtime.project import Project
from runtime.store import records, sessions
from runtime.store.records import Want
from runtime.store.store import Store
from runtime.trail import KINDS, LEVELS, SOURCES

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class Records:
    """Implements `bot.api.records.RecordsPort`."""

    def __init__(self, store: Store, projects: Mapping[str, Project]) -> None:
        self._store = store
        self._projects = projects

    async def listing(self, want: Wanted, *, text: str, limit: int) -> list[RecordView]:
        """Return the newest wanted records that have all words of `text`, newest first."""
        wanted = self._want(want)
        found = await self._store.read_apart(lambda sql: records.listing(sql, wanted, text=text, limit=limit))
        return [record_view(line) for line in found]

    async def counted(self, want: Wanted) -> dict[str, int]:
        """Return how many wanted records there are of each kind, the most frequent first."""
        wanted = self._want(want)
        return await self._store.read_apart(lambda sql: records.counted(sql, wanted))

    def check(self, want: Wanted) -> None:
        """Raise what is wrong with a filter."""
        self._want(want)

    def after(self, id: int, want: Wanted, *, limit: int) -> tuple[list[RecordView], int]:
        """Return the next wanted records after an id, oldest first, and the id up to which that is all of them."""
        found, until = records.after(self._store, id, self._want(want), limit=limit)
        return [record_view(line) for line in found], until

    def start(self, want: Wanted) -> int:
        """Return the id of the last record before `since`, else of the newest one: where a new reader begins."""
        since = self._since(want.since)
        return self.newest() if since is None else self._store.read(lambda sql: records.newest_before(sql, since))

    def newest(self) -> int:
        """Return the id of the newest record, 0 when there is none."""
        return records.newest(self._store)

    async def changed(self, *, after: int) -> None:
        """Wait until there is a record with a greater id; may return early."""
        with self._store.listening("records") as news:
            if self.newest() <= after and not self.over:
                await news.wait()

    @property
    def over(self) -> bool:
        """Tell whether the service stops, so that followers should come back later."""
        return self._store.over

    def _want(self, want: Wanted) -> Want:
        kinds = tuple(kind.strip() for kind in want.kind.split(",") if kind.strip()) if want.kind else ()
        for kind in kinds:
            check("kind", kind, KINDS)
        check("level", want.level, LEVELS)
        check("source", want.source, SOURCES)
        check("project", want.project, self._projects)
        self._check_session(want.session)
        return Want(
            session=want.session, project=want.project, kinds=kinds, source=want.source, level=want.level,
            repo=self._projects[want.project].repo if want.project else "", since=self._since(want.since),
        )  # fmt: skip

    def _check_session(self, name: str | None) -> None:
        """Raise `Unknown` for a session that never was; one of a project that is gone still has its records."""
        if name is not None and self._store.read(lambda sql: sessions.get(sql, name)) is None:
            raise Unknown(NO_SESSION.format(name=name))

    def _since(self, text: str | None) -> float | None:
        if text is None:
            return None
        if ago := _AGO.fullmatch(text):
            return self._store.clock() - int(ago[1]) * _SECONDS[ago[2]]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise WrongUse(f"'{text}' is no time; write 30m, 2h, 1d, or 2026-08-01T12:00:00Z.") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
