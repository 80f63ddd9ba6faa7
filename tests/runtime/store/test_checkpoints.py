"""Checkpoints beside the commits."""

import logging
import sqlite3
import threading
from contextlib import closing

import pytest

from runtime.store import checkpoints as module
from runtime.store.checkpoints import EVERY, Checkpoints
from tests.waiting import until

PAGE = b"x" * 4000


@pytest.fixture
def turn():
    return threading.Lock()


@pytest.fixture
def sqlite(tmp_path):
    with closing(sqlite3.connect(tmp_path / "c.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE t (x BLOB)")
        yield connection


@pytest.fixture
def checkpoints(tmp_path, sqlite, turn):
    checkpoints = Checkpoints(tmp_path / "c.db", turn)
    yield checkpoints
    checkpoints.close()


def copied(tmp_path):
    """What the file holds without its log."""
    return (tmp_path / "c.db").stat().st_size


async def test_what_was_committed_is_copied_when_there_is_enough(checkpoints, sqlite, tmp_path):
    sqlite.execute("INSERT INTO t VALUES (?)", (PAGE * 20,))
    checkpoints.count(EVERY - 1)
    assert not checkpoints._due.is_set()
    checkpoints.count(1)
    await until(lambda: copied(tmp_path) > len(PAGE) * 20)


async def test_log_starts_over_though_commits_came_in_between(checkpoints, sqlite, turn, tmp_path):
    log = tmp_path / "c.db-wal"
    sqlite.execute("INSERT INTO t VALUES (?)", (PAGE * 20,))
    with turn:
        checkpoints.count(EVERY)
        await until(lambda: copied(tmp_path) > len(PAGE) * 20)
        sqlite.execute("INSERT INTO t VALUES (?)", (PAGE * 20,))
        longest = log.stat().st_size
    await until(lambda: copied(tmp_path) > len(PAGE) * 40)
    with turn:
        sqlite.execute("INSERT INTO t VALUES (?)", (PAGE * 20,))
    assert log.stat().st_size == longest


async def test_trouble_is_logged_and_the_next_checkpoint_tries_again(tmp_path, sqlite, turn, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(module.sqlite3, "connect", lambda *_a, **_k: no_file())
    checkpoints = Checkpoints(tmp_path / "c.db", turn)
    checkpoints.count(EVERY)
    await until(lambda: [record.why for record in caplog.records] == ["unable to open database file"])
    monkeypatch.undo()
    sqlite.execute("INSERT INTO t VALUES (?)", (PAGE * 20,))
    checkpoints.count(EVERY)
    await until(lambda: copied(tmp_path) > len(PAGE) * 20)
    checkpoints.close()


def no_file():
    raise sqlite3.OperationalError("unable to open database file")
