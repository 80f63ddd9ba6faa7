"""The one write connection."""

import asyncio
import sqlite3
import threading

import pytest

from runtime.errors import StoreBusy
from runtime.store import writer as module
from runtime.store.writer import Writer
from tests.waiting import until


@pytest.fixture
def commits():
    return []


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "QUICK", 60.0)


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(module, "QUICK", -1.0)


@pytest.fixture
async def writer(tmp_path, commits):
    writer = Writer(tmp_path / "w.db", on_commit=lambda: commits.append(1))
    await writer.run(lambda raw: raw.sqlite.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)"))
    commits.clear()
    yield writer
    writer.close()


def add(x):
    return lambda raw: raw.sqlite.execute("INSERT INTO t VALUES (?)", (x,)).lastrowid


def stored(tmp_path):
    connection = sqlite3.connect(tmp_path / "w.db")
    try:
        return [x for (x,) in connection.execute("SELECT x FROM t ORDER BY x")]
    finally:
        connection.close()


def held(gate, began=None):
    def job(_raw):
        if began is not None:
            began.set()
        gate.wait(30)

    return job


async def waiting_behind(writer, *jobs):
    """Let the jobs pile up behind one that holds the thread, so that they share a commit."""
    gate, began = threading.Event(), threading.Event()
    first = asyncio.ensure_future(writer.run(held(gate, began)))
    await until(began.is_set)  # else the thread could take some of the others along with the first
    others = [asyncio.ensure_future(job) for job in jobs]
    await asyncio.sleep(0)
    gate.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


async def test_result_is_returned_after_the_commit(writer, tmp_path):
    assert await writer.run(add(7)) == 7
    assert stored(tmp_path) == [7]


async def test_what_waits_is_committed_together(writer, commits, tmp_path):
    await waiting_behind(writer, *(writer.run(add(x)) for x in range(20)))
    assert len(commits) <= 2
    assert stored(tmp_path) == list(range(20))


async def test_every_committed_job_is_counted_for_the_checkpoints(writer, monkeypatch):
    counted = []
    monkeypatch.setattr(writer._checkpoints, "count", counted.append)
    await waiting_behind(writer, writer.run(add(1)), writer.run(add(2), shielded=False))
    assert sum(counted) == 3


async def test_failing_job_undoes_only_itself(writer, tmp_path):
    woken = []

    def fail(raw):
        add(100)(raw)
        raw.after_commit.append(lambda: woken.append("for nothing"))
        raise ValueError("mine")

    results = await waiting_behind(writer, writer.run(add(1)), writer.run(fail), writer.run(add(2)))
    assert [type(result) for result in results] == [type(None), int, ValueError, int]
    assert (stored(tmp_path), woken) == ([1, 2], [])


async def test_failure_without_a_savepoint_fails_the_whole_commit(writer, slow, tmp_path):
    woken = []

    def wake_and_add(raw):
        raw.after_commit.append(lambda: woken.append("for nothing"))
        return add(1)(raw)

    def fail(_raw):
        raise sqlite3.OperationalError("disk I/O error")

    results = await waiting_behind(writer, writer.run(wake_and_add), writer.run(fail, shielded=False))
    assert [type(result) for result in results[1:]] == [StoreBusy, StoreBusy]
    assert (stored(tmp_path), woken) == ([], [])
    assert await writer.run(add(3)) == 3


def where(raw):
    """A job that tells which thread it ran on."""
    raw.sqlite.execute("SELECT 1")
    return threading.get_ident()


async def test_lone_caller_without_a_savepoint_spares_the_change_of_threads(writer, quick, tmp_path):
    here = threading.get_ident()
    assert await writer.run(where) != here
    assert await writer.run(where, shielded=False) == here
    await writer.run(add(4), shielded=False)
    assert stored(tmp_path) == [4]


async def test_a_crowd_without_savepoints_shares_a_commit_on_the_event_loop(writer, quick, commits):
    ran = await asyncio.gather(*(writer.run(where, shielded=False) for _ in range(20)))
    assert ran == [threading.get_ident()] * 20
    assert len(commits) <= 2


async def arriving(writer, *turns):
    """Let one caller arrive after each of these turns of the loop."""

    async def late(turn):
        for _ in range(turn):
            await asyncio.sleep(0)
        await writer.run(where, shielded=False)

    await asyncio.gather(*map(late, turns))


async def test_a_crowd_waits_while_more_keep_coming(writer, quick, commits):
    await arriving(writer, 0, 0, 0, 1, 2, 3)
    assert len(commits) == 2


async def test_a_crowd_that_is_large_enough_waits_no_longer(writer, quick, commits, monkeypatch):
    monkeypatch.setattr(module, "MOST_AT_ONCE", 3)
    await arriving(writer, 0, 0, 0, 1, 2, 3)
    assert len(commits) == 4


def level(raw):
    """A job that tells whether its commit waits for the disk: 2 if so, 1 if not."""
    return raw.sqlite.execute("PRAGMA synchronous").fetchone()[0]


@pytest.mark.parametrize("shielded", [True, False])
async def test_commit_waits_for_the_disk_unless_nobody_needs_it(writer, quick, shielded):
    for synced in (True, False, False, True):
        assert await writer.run(level, shielded=shielded, synced=synced) == 1 + synced


async def test_one_that_needs_the_disk_takes_the_others_along(writer):
    levels = await waiting_behind(
        writer, writer.run(level, synced=False), writer.run(level), writer.run(level, synced=False)
    )
    assert levels[1:] == [2, 2, 2]


async def test_commit_after_one_that_failed_without_the_disk_waits_for_it_again(writer):
    def fail(raw):
        raw.sqlite.execute("ROLLBACK")

    with pytest.raises(StoreBusy):
        await writer.run(fail, synced=False)
    assert await writer.run(level) == 2


async def test_slow_disk_is_left_to_the_thread(writer, slow):
    for _ in range(3):
        assert await writer.run(where, shielded=False) != threading.get_ident()


async def test_lone_caller_is_told_when_the_disk_fails(writer, quick):
    def fail(_raw):
        raise sqlite3.OperationalError("disk I/O error")

    await writer.run(where)
    with pytest.raises(StoreBusy, match="disk I/O error"):
        await writer.run(fail, shielded=False)
    await asyncio.sleep(0)
    assert await writer.run(where, shielded=False) == threading.get_ident()


@pytest.mark.parametrize("shielded", [True, False])
async def test_file_that_is_gone_takes_nothing_until_it_is_back(writer, tmp_path, shielded):
    (tmp_path / "w.db").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreBusy, match=r"w\.db: it was removed or replaced while the service runs: put it back"):
        await writer.run(add(1), shielded=shielded)
    (tmp_path / "w.db").touch()
    with pytest.raises(StoreBusy, match="removed or replaced"):
        await writer.run(add(1), shielded=shielded)
    (tmp_path / "elsewhere").replace(tmp_path / "w.db")
    assert await writer.run(add(1), shielded=shielded) == 1


async def test_cancelled_caller_does_not_undo_its_job(writer, tmp_path):
    gate = threading.Event()
    first = asyncio.ensure_future(writer.run(held(gate)))
    caller = asyncio.ensure_future(writer.run(add(5)))
    await asyncio.sleep(0)
    caller.cancel()
    gate.set()
    await first
    await writer.run(add(6))
    assert stored(tmp_path) == [5, 6]


async def test_waking_comes_after_the_commit(writer, tmp_path):
    seen = []

    def job(raw):
        raw.after_commit.append(lambda: seen.append(stored(tmp_path)))
        add(9)(raw)

    await writer.run(job)
    assert seen == [[9]]


async def test_locked_file_is_reported_as_busy(writer, tmp_path):
    other = sqlite3.connect(tmp_path / "w.db", isolation_level=None)
    await writer.run(lambda raw: raw.sqlite.execute("PRAGMA busy_timeout=20"))
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreBusy, match=r"w\.db"):
            await writer.run(add(1))
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert await writer.run(add(1)) == 1


async def test_closing_finishes_what_is_queued(tmp_path):
    writer = Writer(tmp_path / "w.db")
    jobs = [asyncio.ensure_future(writer.run(lambda raw: raw.sqlite.execute("SELECT 1").fetchone())) for _ in range(5)]
    await asyncio.sleep(0)
    writer.close()
    assert await asyncio.gather(*jobs) == [(1,)] * 5
