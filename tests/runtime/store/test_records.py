"""The audit trail as it is read, searched and forgotten."""

import ast
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.store import records, sessions
from runtime.store.records import Want, after, forget, listing, newest, newest_before
from runtime.trail import KINDS, SOURCES

ROOT = Path(__file__).parents[3]


async def tell(store, *summaries, **more):
    for summary in summaries:
        await store.write(lambda tx, summary=summary: tx.record("typed", summary, **more))


def search(store, text, **want):
    return [one.summary for one in store.read(lambda sql: listing(sql, Want(**want), text=text, limit=50))]


def live_session(tx, project="app"):
    return sessions.claim(
        tx, project=project, prefix=project, repo=f"octo/{project}", issue=1, title="t", task="t", agent="scripted",
        base="main", asked_by="me",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("login", ["the login page", "login"]),
        ("LOGIN page", ["the login page"]),
        ("page login", ["the login page"]),
        ('"login page"', ["the login page"]),
        ('"page login"', []),
        ("log*", ["the login page", "login"]),
        ("ogi", ["the login page", "login"]),
        ("app-7", ["app-7: spawning → working"]),
        ("→", ["app-7: spawning → working"]),
        ("Uber", ["Über alles"]),
        ("Größe", ["about the size"]),
        ("100%", ["100% sure"]),
        ("NEAR(", []),
        ("login OR NOT", []),
        ("'", ["that's it"]),
        ('sa"y', []),
        ("*", []),
    ],
)
async def test_any_text_can_be_searched_for(store, text, found):
    await tell(store, "that's it", "100% sure", "login", "the login page", "app-7: spawning → working", "Über alles")
    await tell(store, "about the size", wanted="die Größe")
    assert search(store, text) == found


@given(st.text(max_size=20))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_text_breaks_the_search(store, text):
    assert search(store, text) == []


async def test_wanted_records_are_read_on_from_where_the_reader_stopped(store, monkeypatch):
    monkeypatch.setattr(records, "_WINDOW", 3)
    for number in range(1, 9):
        await tell(store, f"number {number}", session_id="app-2" if number % 4 == 0 else "app-1")
    seen, place = [], 0
    while place < newest(store):
        found, place = after(store, place, Want(session="app-2"), limit=2)
        seen += [one.id for one in found]
    assert (seen, place) == ([4, 8], 8)
    assert [one.id for one in after(store, 6, limit=1)[0]] == [7]


async def test_the_quietest_level_is_given(store):
    for level in ("info", "warning", "error"):
        await tell(store, level, level=level)
    assert search(store, "", level="warning") == ["error", "warning"]


async def test_time_is_found_by_halving_also_where_records_are_missing(store, clock):
    for _ in range(9):
        clock.passes(10)
        await tell(store, "tick")
    await store.write(lambda tx: tx.sql.execute(sa.text("DELETE FROM records WHERE id IN (4, 5, 6)")))
    found = [store.read(lambda sql, at=at: newest_before(sql, 1000 + at)) for at in (0, 11, 41, 61, 71, 1000)]
    assert [max((id for id in (1, 2, 3, 7, 8, 9) if id <= one), default=0) for one in found] == [0, 1, 3, 3, 7, 9]


async def test_old_records_are_forgotten_with_their_words_but_not_those_of_live_sessions(store, clock, monkeypatch):
    monkeypatch.setattr(records, "_AT_A_TIME", 2)
    await store.write(live_session)
    await tell(store, "a live one", session_id="app-1")
    await tell(store, "first", "second", "third", session_id="gone-1")
    clock.passes(31 * 86400)
    await tell(store, "young")
    assert await forget(store) == 3
    assert [one.summary for one in after(store, 0, limit=9)[0]][-2:] == ["a live one", "young"]
    assert (search(store, "first"), search(store, "live")) == ([], ["a live one"])
    await store.write(
        lambda tx: tx.sql.execute(sa.text("INSERT INTO records_search(records_search) VALUES('integrity-check')"))
    )
    assert await forget(store) == 0


async def test_the_newest_record_stays_so_that_no_number_is_used_twice(store, clock):
    await tell(store, "first", "last")
    clock.passes(31 * 86400)
    assert await forget(store) == 1
    await tell(store, "next")
    assert [one.id for one in after(store, 0, limit=9)[0]] == [2, 3]


def test_records_of_an_older_store_can_be_searched_after_the_upgrade(tmp_path):
    path = tmp_path / "ao.db"
    script = (
        "import sys; from pathlib import Path; from alembic import command; from alembic.config import Config;"
        "config = Config(); config.set_main_option('script_location', sys.argv[2]);"
        "config.attributes['path'] = Path(sys.argv[1]); command.upgrade(config, sys.argv[3])"
    )
    place = str(ROOT / "runtime/store/migrations")
    subprocess.run([sys.executable, "-c", script, str(path), place, "0001"], check=True, cwd=ROOT)
    with sqlite3.connect(path) as old:
        old.execute("INSERT INTO records (at, kind, summary, data) VALUES (1, 'typed', 'an old story', '{}')")
    old.close()
    subprocess.run([sys.executable, "-c", script, str(path), place, "head"], check=True, cwd=ROOT)
    with sqlite3.connect(path) as new:
        found = new.execute("SELECT rowid FROM records_search WHERE records_search MATCH 'story'").fetchall()
    new.close()
    assert found == [(1,)]


def _recorded():
    """Return the kinds of all records that the code writes, with where it does."""
    for path in (one for floor in ("bot", "handlers", "runtime") for one in (ROOT / floor).rglob("*.py")):
        if "demo" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "record":
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}: name the kind itself"
                yield node.args[0].value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_kind_that_is_written_is_explained_and_every_kind_explained_is_written():
    written = dict(_recorded()) | {"replay_suspect": "the accept path"}
    assert {kind: where for kind, where in written.items() if kind not in KINDS} == {}, "add it to runtime/trail.py"
    assert set(KINDS) - set(written) == set()


def test_the_documents_name_the_same_sources():
    (row,) = re.findall(r"^\| `source` \| (.*) \|$", (ROOT / "docs/events.md").read_text(), re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", row)) == SOURCES


def test_the_documents_explain_the_same_kinds():
    table = (ROOT / "docs/events.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (info|warning|error) \| (.*) \|$", table, re.MULTILINE)
    assert {kind: (says, level) for kind, level, says in rows} == {kind: tuple(of) for kind, of in KINDS.items()}
