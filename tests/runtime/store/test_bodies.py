"""Bodies that came lately are known again, also after a restart and after a commit that failed."""

import sqlite3

import pytest

from runtime.store import bodies
from runtime.store.bodies import WINDOW, Bodies
from runtime.store.journal import Arrival, Claim, Journal


@pytest.fixture
def sqlite():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE deliveries (id INTEGER PRIMARY KEY, body_hash BLOB, received_at REAL)")
    yield connection
    connection.close()


def came(sqlite, id, at):
    sqlite.execute("INSERT INTO deliveries VALUES (?, ?, ?)", (id, digest(id), at))


def digest(number):
    return number.to_bytes(32, "little")


async def test_body_is_known_after_a_restart(store):
    assert await Journal(store).claim(Arrival("g1", "push", None, b"{}", True)) is Claim.QUEUED
    assert await Journal(store).claim(Arrival("g2", "push", None, b"{}", True)) is Claim.REPLAY


@pytest.mark.parametrize("ids", [range(1, 201), range(1, 2000, 11), (7,), ()])
@pytest.mark.parametrize("lately", [0, 1, 100, 1000])
def test_what_is_read_at_the_start_begins_where_the_window_does(sqlite, ids, lately):
    for id in ids:
        came(sqlite, id, float(id))
    now = lately + WINDOW
    assert [id for id in ids if Bodies().first(sqlite, digest(id), now) == id] == [id for id in ids if id > lately]
    seen = bodies._oldest(sqlite, lately)
    assert [id for id in ids if id >= seen] == [id for id in ids if id > lately]


def test_body_of_a_commit_that_failed_is_not_believed(sqlite):
    known = Bodies()
    assert known.first(sqlite, digest(1), 5.0) is None
    known.add(sqlite, digest(1), 1, 5.0)
    assert known.first(sqlite, digest(1), 6.0) is None
    came(sqlite, 1, 6.0)
    assert known.first(sqlite, digest(1), 7.0) == 1


def test_hashes_that_only_begin_alike_are_not_the_same(sqlite):
    known = Bodies()
    came(sqlite, 1, 5.0)
    assert known.first(sqlite, digest(1), 6.0) == 1
    assert known.first(sqlite, digest(1)[:8] + bytes(23) + b"x", 6.0) is None


def test_old_bodies_are_forgotten_now_and_then(sqlite, monkeypatch):
    monkeypatch.setattr(bodies, "_FORGET_EVERY", 10)
    known = Bodies()
    for id in range(1, 41):
        now = id * WINDOW / 20
        assert known.first(sqlite, digest(id), now) is None
        came(sqlite, id, now)
        known.add(sqlite, digest(id), id, now)
    assert known._came is not None
    assert sorted(known._came.values()) == list(range(21, 41))
