"""The door to everything that is remembered."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from runtime.clock import Clock, system_clock
from runtime.redact import without_secrets
from runtime.store import set_back
from runtime.store.engine import one_moment, open_engine
from runtime.store.migrate import migrate
from runtime.store.tx import Tx
from runtime.store.writer import Raw, Writer
from runtime.trail import Redact

log = logging.getLogger(__name__)

T = TypeVar("T")


class Judge(Protocol):
    """Looks at what a transaction touched and adds what follows from it, before the commit."""

    def __call__(self, tx: Tx) -> None:
        """Announce changed statuses and tell the outbound stories."""


class Feed:
    """The names that have come since they were taken last, each once."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._news = asyncio.Event()

    def add(self, *names: str) -> None:
        """Put names in; those that are there already stay."""
        self._names.update(names)
        self._news.set()

    async def some(self) -> None:
        """Wait until there are names."""
        await self._news.wait()

    def take(self) -> list[str]:
        """Take all names out, in order."""
        self._news.clear()
        taken, self._names = sorted(self._names), set()
        return taken


class Store:
    """Writes through one thread, reads on the event loop's; wakes whoever waits for what was committed.

    Reads see only committed rows. Use from one event loop.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock = system_clock,
        judge: Judge | None = None,
        on_commit: Callable[[], None] | None = None,
        redact: Redact = without_secrets,
    ) -> None:
        """`redact` takes secrets out of what the audit trail keeps."""
        migrate(path)
        self.path = path
        self.clock = clock
        self.judge = judge or (lambda _tx: None)
        self.redact = redact
        self._writer = Writer(path, on_commit=on_commit)
        self._reads = open_engine(path, read_only=True)
        self._reader = self._reads.connect()
        self._written = self.read(set_back.last_written)
        self.over = False
        """Whether the service stops: who only listens should not go on."""
        self._waiting: dict[str, asyncio.Event] = {}
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._feeds: set[Feed] = set()

    async def write(self, job: Callable[[Tx], T], *, cause: int | None = None, synced: bool = True) -> T:
        """Run `job` in a transaction and return its result after the commit, which is on disk then if `synced`.

        One that is not outlives the death of the service, but a loss of power only together with a later one that is.
        """

        def run(raw: Raw) -> T:
            tx = Tx(raw.sql, self.clock(), cause=cause, redact=self.redact)
            if tx.now < self._written - set_back.AHEAD:
                log.warning("the clock was set back", extra={"seconds": round(self._written - tx.now)})
                set_back.make_it_now(tx)
            result = job(tx)
            self.judge(tx)
            for finish in tx.at_end:
                finish()
            topics, touched = frozenset(tx.topics), frozenset(tx.touched)

            def committed() -> None:
                self._written = tx.now
                self._wake(topics, touched)

            raw.after_commit.append(committed)
            return result

        return await self._writer.run(run, synced=synced)

    async def write_raw(self, job: Callable[[Raw], T], *, wake: str | None = None, synced: bool = True) -> T:
        """Run `job` on the bare connection: the accept path, which has nothing to judge; then wake a topic."""
        if wake is None:
            return await self._writer.run(job, shielded=False, synced=synced)
        topics = (wake,)

        def run(raw: Raw) -> T:
            raw.after_commit.append(lambda: self._wake(topics))
            return job(raw)

        return await self._writer.run(run, shielded=False, synced=synced)

    async def prove_writable(self) -> None:
        """Put something on disk that changes nothing; `StoreBusy` when that cannot be done. An empty commit can."""
        await self._writer.run(lambda raw: raw.sqlite.execute("PRAGMA user_version = 0"))

    def rows(self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None) -> list[sa.Row[Any]]:
        """Return the committed rows of a query."""
        return list(self._reader.execute(statement, parameters).fetchall())

    def read(self, query: Callable[[sa.Connection], T]) -> T:
        """Return what `query` finds among the rows committed by one moment.

        Short queries only: it runs on the event loop, the only thread that may ask.
        """
        with one_moment(self._reader):
            return query(self._reader)

    async def read_apart(self, query: Callable[[sa.Connection], T]) -> T:
        """Return the same, on a thread and connection of its own: for what may take longer."""

        def run() -> T:
            engine = open_engine(self.path, read_only=True)
            try:
                with engine.connect() as connection, one_moment(connection):
                    return query(connection)
            finally:
                engine.dispose()

        return await asyncio.to_thread(run)

    def topic(self, name: str) -> asyncio.Event:
        """Return the event that is set whenever something about `name` is committed; the waiter clears it."""
        return self._waiting.setdefault(name, asyncio.Event())

    @contextmanager
    def listening(self, name: str) -> Iterator[asyncio.Event]:
        """Give an event of one's own that is set whenever something about `name` is committed."""
        event = asyncio.Event()
        self._listeners.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            self._listeners[name].discard(event)
            if not self._listeners[name]:
                del self._listeners[name]

    def let_listeners_go(self) -> None:
        """Wake everybody who listens and say that it is `over`, because the service stops."""
        self.over = True
        self._wake(list(self._listeners))

    @contextmanager
    def following(self) -> Iterator["Feed"]:
        """Give a feed of the sessions that something is committed about, from now on."""
        feed = Feed()
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

    def forget_topic(self, name: str) -> None:
        """Drop a topic nobody waits for any more."""
        self._waiting.pop(name, None)

    def _wake(self, topics: Iterable[str], touched: Iterable[str] = ()) -> None:
        for feed in self._feeds if touched else ():
            feed.add(*touched)
        for name in topics:
            if event := self._waiting.get(name):
                event.set()
            for listener in self._listeners.get(name, ()):
                listener.set()

    def close(self) -> None:
        """Finish queued writes and close both connections.

        The one that writes goes last, so that SQLite copies its log into the file and removes it
        (https://www.sqlite.org/walformat.html#the_wal_file).
        """
        self._reader.close()
        self._reads.dispose()
        self._writer.close()
