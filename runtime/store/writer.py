"""The one write connection, on one thread, with group commit.

Callers hand over functions; the thread runs all that are waiting in one SQLite transaction, each
behind its own savepoint, and answers after the commit is on disk (WAL, `synchronous=FULL`,
https://www.sqlite.org/pragma.html#pragma_synchronous). A lone caller on the accept path may take the thread's turn,
which spares it two switches of threads; only while the disk is quick, so that the event loop never waits long.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from runtime.errors import StoreBusy
from runtime.store.checkpoints import Checkpoints
from runtime.store.engine import open_engine

MOST_AT_ONCE = 256
QUICK = 0.002
"""A commit that took longer sends the next one to the thread."""

T = TypeVar("T")
Job = tuple[Callable[["Raw"], Any], bool, "asyncio.Future[Any]"]
Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]


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
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._alone = True
        self._crowd = 1
        self._took = QUICK
        self._engine = open_engine(path)
        self._sql = self._engine.connect()
        self._raw = Raw(self._sql, cast(sqlite3.Connection, self._sql.connection.dbapi_connection))
        self._checkpoints = Checkpoints(path, self._turn)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Raw], T], *, shielded: bool = True) -> T:
        """Return the job's result once it is on disk; an exception undoes only this job.

        A caller that is cancelled while it waits does not undo its job. A job that is not `shielded` runs without a
        savepoint and perhaps on the caller's thread, which is faster; its exception undoes everybody's part of the
        commit, as if the disk had failed.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        entry: Job = (job, shielded, future)
        if shielded or not self._run_here(entry):
            self._jobs.put(entry)
        return await future

    def close(self) -> None:
        """Finish what is queued and end the threads."""
        self._jobs.put(None)
        self._thread.join()
        self._checkpoints.close()
        self._sql.close()
        self._engine.dispose()

    def _run_here(self, entry: Job) -> bool:
        alone = self._alone and self._crowd == 1 and self._took < QUICK and self._jobs.empty()
        if not alone or not self._turn.acquire(blocking=False):
            return False
        self._alone = False  # whoever else comes before the loop has turned is company
        entry[2].get_loop().call_soon(self._be_alone)
        try:
            _resolve(*self._commit([entry]))
        finally:
            self._turn.release()
        return True

    def _be_alone(self) -> None:
        self._alone = True

    def _run(self) -> None:
        while batch := self._next_batch():
            if jobs := [job for job in batch if job is not None]:
                with self._turn:
                    answers, woken = self._commit(jobs)
                _answer(answers, woken)
            if batch[-1] is None:
                break

    def _next_batch(self) -> list[Job | None]:
        batch = [self._jobs.get()]
        with contextlib.suppress(queue.Empty):
            while batch[-1] is not None and len(batch) < MOST_AT_ONCE:
                batch.append(self._jobs.get_nowait())
        self._crowd = max(len(batch), self._crowd // 2)
        return batch

    def _commit(self, batch: list[Job]) -> tuple[list[Answer], list[Callable[[], None]]]:
        raw, began = self._raw, monotonic()
        try:
            raw.sqlite.execute("BEGIN IMMEDIATE")
            outcomes = [_attempt(raw, job, shielded) for job, shielded, _ in batch]
            raw.sqlite.execute("COMMIT")
        except sqlite3.Error as exc:
            with contextlib.suppress(sqlite3.Error):
                raw.sqlite.execute("ROLLBACK")
            busy = StoreBusy(f"cannot write {self._path.name}: {exc}")
            outcomes = [(None, busy) for _ in batch]
            raw.after_commit.clear()
        else:
            self._on_commit()
            self._checkpoints.count(len(batch))
        self._took = monotonic() - began
        woken, raw.after_commit = raw.after_commit, []
        return [(future, *outcome) for (*_, future), outcome in zip(batch, outcomes, strict=True)], woken


def _attempt(raw: Raw, job: Callable[[Raw], Any], shielded: bool) -> tuple[Any, BaseException | None]:
    if not shielded:
        try:
            return job(raw), None
        except Exception as exc:
            raise sqlite3.OperationalError(str(exc)) from exc
    woken = len(raw.after_commit)
    raw.sqlite.execute("SAVEPOINT job")
    try:
        result = job(raw)
    except Exception as exc:
        if not raw.sqlite.in_transaction:
            raise sqlite3.OperationalError(str(exc)) from exc
        raw.sqlite.execute("ROLLBACK TO job")
        raw.sqlite.execute("RELEASE job")
        del raw.after_commit[woken:]
        return None, exc
    raw.sqlite.execute("RELEASE job")
    return result, None


def _answer(answers: list[Answer], woken: list[Callable[[], None]]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[Answer]] = {}
    for answer in answers:
        loops.setdefault(answer[0].get_loop(), []).append(answer)
    for loop, its_own in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, its_own, woken)
        woken = []


def _resolve(answers: list[Answer], woken: list[Callable[[], None]]) -> None:
    for future, result, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
    for wake in woken:
        wake()
