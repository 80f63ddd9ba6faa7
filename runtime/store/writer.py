"""The one write connection, on one thread, with group commit.

Callers hand over functions; the thread runs all that are waiting in one SQLite transaction, each
behind its own savepoint, and answers after the commit is on disk (WAL, `synchronous=FULL`,
https://www.sqlite.org/pragma.html#pragma_synchronous). What comes on the accept path is committed on the event loop,
together with all that comes in the same turns of it: two threads that both run Python wait for each other after every
statement. Only while the disk is quick, so that the loop never waits long.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, TypeVar, cast

import sqlalchemy as sa

from runtime.errors import StoreBusy
from runtime.store.checkpoints import Checkpoints
from runtime.store.engine import open_engine

MOST_AT_ONCE = 256
QUICK = 0.005
"""A commit that took longer sends the next one to the thread; seconds."""

GONE = "it was removed or replaced while the service runs: put it back, or restart the service"

T = TypeVar("T")


class Job(NamedTuple):
    """What is to be done; `shielded` by a savepoint, so that a failure undoes nobody else's part.

    One that is not `synced` need not outlive a loss of power; the next commit that is takes it along to the disk.
    """

    do: Callable[["Raw"], Any]
    shielded: bool
    synced: bool
    future: "asyncio.Future[Any]"


Outcome = tuple[Any, BaseException | None]


class Committed(NamedTuple):
    """Who is to be told what, and who is to be woken."""

    jobs: list[Job]
    outcomes: list[Outcome]
    wakes: list[Callable[[], None]]


class Raw:
    """The write connection as a job sees it: SQLAlchemy's for statements, SQLite's for the accept path."""

    def __init__(self, sql: sa.Connection, sqlite: sqlite3.Connection) -> None:
        self.sql = sql
        self.sqlite = sqlite
        self.after_commit: list[Callable[[], None]] = []


class Writer:
    """Runs functions on the write connection, many to a commit, in the order they came."""

    def __init__(self, path: Path, *, on_commit: Callable[[], None] | None = None) -> None:
        self._path = path
        self._on_commit = on_commit or (lambda: None)
        self._entries: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._arrived: list[Job] = []
        self._is_quiet = True
        self._turn = threading.Lock()
        self._took = 0.0
        self._engine = open_engine(path)
        self._sql = self._engine.connect()
        self._raw = Raw(self._sql, cast(sqlite3.Connection, self._sql.connection.dbapi_connection))
        self._inode = path.stat().st_ino
        self._waits_for_disk = True
        self._checkpoints = Checkpoints(path, self._turn)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Raw], T], *, shielded: bool = True, synced: bool = True) -> T:
        """Return the job's result once it is committed, on disk if `synced`; an exception undoes only this job.

        A caller that is cancelled while it waits does not undo its job. A job that is not `shielded` runs without a
        savepoint and perhaps on the event loop's thread, which is faster; it writes by one statement at most, and its
        exception undoes everybody's part of the commit, as if the disk had failed.
        """
        entry = Job(job, shielded, synced, asyncio.get_running_loop().create_future())
        if shielded or self._took > QUICK:
            self._entries.put(entry)
        else:
            self._arrive(entry)
        return cast(T, await entry.future)

    def close(self) -> None:
        """Finish what is queued and end the threads."""
        self._entries.put(None)
        self._thread.join()
        self._checkpoints.close()
        self._sql.close()
        self._engine.dispose()

    def _arrive(self, entry: Job) -> None:
        """Commit a lone caller at once, and a crowd together."""
        loop = entry.future.get_loop()
        self._arrived.append(entry)
        if self._is_quiet:
            self._is_quiet = False
            loop.call_soon(self._be_quiet)
            self._commit_here()
        elif len(self._arrived) == 1:
            loop.call_soon(self._gather, loop, 1)

    def _be_quiet(self) -> None:
        self._is_quiet = not self._arrived

    def _gather(self, loop: asyncio.AbstractEventLoop, before: int) -> None:
        """Commit once a turn of the loop has brought nobody else, or enough have come."""
        if before < len(self._arrived) < MOST_AT_ONCE:
            loop.call_soon(self._gather, loop, len(self._arrived))
            return
        self._is_quiet = before == 1
        self._commit_here()

    def _commit_here(self) -> None:
        jobs, self._arrived = self._arrived, []
        if not self._turn.acquire(blocking=False):
            for job in jobs:
                self._entries.put(job)
            return
        try:
            done = self._commit(jobs)
        finally:
            self._turn.release()
        _resolve(done)

    def _run(self) -> None:
        while entries := self._waiting():
            if jobs := [entry for entry in entries if entry is not None]:
                with self._turn:
                    done = self._commit(jobs)
                _answer(done)
            if entries[-1] is None:
                break

    def _waiting(self) -> list[Job | None]:
        entries = [self._entries.get()]
        with contextlib.suppress(queue.Empty):
            while entries[-1] is not None and len(entries) < MOST_AT_ONCE:
                entries.append(self._entries.get_nowait())
        return entries

    def _commit(self, jobs: list[Job]) -> Committed:
        raw, began = self._raw, monotonic()
        try:
            outcomes = self._transact(jobs)
        except sqlite3.Error as exc:
            with contextlib.suppress(sqlite3.Error):
                raw.sqlite.execute("ROLLBACK")
            outcomes = [(None, StoreBusy(f"cannot write {self._path.name}: {exc}"))] * len(jobs)
            raw.after_commit.clear()
        else:
            self._on_commit()
            self._checkpoints.count(len(jobs))
        self._took = monotonic() - began
        wakes, raw.after_commit = raw.after_commit, []
        return Committed(jobs, outcomes, wakes)

    def _transact(self, jobs: list[Job]) -> list[Outcome]:
        self._be_where_others_look()
        self._wait_for_disk(any(job.synced for job in jobs))
        if len(jobs) == 1 and not jobs[0].shielded:
            return [_attempt(self._raw, jobs[0])]
        self._raw.sqlite.execute("BEGIN IMMEDIATE")
        outcomes = [_attempt(self._raw, job) for job in jobs]
        self._raw.sqlite.execute("COMMIT")
        return outcomes

    def _be_where_others_look(self) -> None:
        """Refuse to write into a file that was removed or replaced: nobody would ever read it."""
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                return
        raise sqlite3.OperationalError(GONE)

    def _wait_for_disk(self, wanted: bool) -> None:
        """Choose before the transaction begins: https://www.sqlite.org/pragma.html#pragma_synchronous."""
        if wanted != self._waits_for_disk:
            self._raw.sqlite.execute(f"PRAGMA synchronous={'FULL' if wanted else 'NORMAL'}")
            self._waits_for_disk = wanted


def _attempt(raw: Raw, job: Job) -> Outcome:
    if not job.shielded:
        try:
            return job.do(raw), None
        except Exception as exc:
            raise sqlite3.OperationalError(str(exc)) from exc
    woken = len(raw.after_commit)
    raw.sqlite.execute("SAVEPOINT job")
    try:
        result = job.do(raw)
    except Exception as exc:
        if not raw.sqlite.in_transaction:
            raise sqlite3.OperationalError(str(exc)) from exc
        raw.sqlite.execute("ROLLBACK TO job")
        raw.sqlite.execute("RELEASE job")
        del raw.after_commit[woken:]
        return None, exc
    raw.sqlite.execute("RELEASE job")
    return result, None


def _answer(done: Committed) -> None:
    """Answer from another thread, each caller on its own event loop; whoever listens is woken on the first."""
    shares: dict[asyncio.AbstractEventLoop, Committed] = {}
    for job, outcome in zip(done.jobs, done.outcomes, strict=True):
        share = shares.setdefault(job.future.get_loop(), Committed([], [], [] if shares else done.wakes))
        share.jobs.append(job)
        share.outcomes.append(outcome)
    for loop, share in shares.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, share)


def _resolve(done: Committed) -> None:
    for job, (result, error) in zip(done.jobs, done.outcomes, strict=True):
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)
    for wake in done.wakes:
        wake()
