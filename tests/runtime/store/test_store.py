"""The door to everything that is remembered."""

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from runtime.errors import ConfigError
from runtime.store.engine import open_engine
from runtime.store.migrate import NEWEST, migrate
from runtime.store.schema import metadata
from runtime.store.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "ao.db", clock=lambda: 1000.0)
    yield store
    store.close()


def kinds(store):
    return [row.kind for row in store.rows(sa.text("SELECT kind FROM records ORDER BY id"))]


async def test_write_is_readable_when_it_returns_and_carries_its_cause(store):
    await store.write(lambda tx: tx.record("greeting", "Hello.", who="me"), cause=7)
    row = store.rows(sa.text("SELECT at, kind, delivery_id, level, source, data FROM records"))[0]
    assert tuple(row) == (1000.0, "greeting", 7, "info", "github", '{"who": "me"}')


async def test_proof_that_the_disk_can_be_written_reaches_the_disk(store):
    log = store.path.with_name("ao.db-wal")
    before = log.stat().st_size
    await store.write(lambda tx: None)
    assert log.stat().st_size == before
    await store.prove_writable()
    assert log.stat().st_size > before


async def test_failing_job_leaves_nothing_and_wakes_nobody(store):
    def job(tx):
        tx.record("greeting", "Hello.")
        tx.wake("greetings")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(job)
    assert kinds(store) == []
    assert not store.topic("greetings").is_set()


async def test_topic_is_set_after_the_commit(store):
    topic = store.topic("greetings")
    await store.write(lambda tx: tx.wake("greetings"))
    assert topic.is_set()


async def test_raw_write_wakes_its_topic(store):
    topic = store.topic("rows")
    assert await store.write_raw(lambda raw: raw.sqlite.execute("SELECT 5").fetchone()[0], wake="rows") == 5
    assert topic.is_set()
    assert await store.write_raw(lambda _raw: 6) == 6


async def test_forgotten_topic_is_not_kept(store):
    topic = store.topic("greetings")
    store.forget_topic("greetings")
    await store.write(lambda tx: tx.wake("greetings"))
    assert not topic.is_set()


async def test_judge_adds_to_the_transaction_it_judges(tmp_path):
    def judge(tx):
        tx.record("judged", "Seen.")

    store = Store(tmp_path / "judged.db", judge=judge)
    await store.write(lambda tx: tx.record("greeting", "Hello."))
    assert kinds(store) == ["greeting", "judged"]
    store.close()


async def test_file_is_all_there_is_when_it_is_closed(tmp_path):
    store = Store(tmp_path / "ao.db")
    await store.write(lambda tx: tx.record("greeting", "Hello."))
    assert kinds(store) == ["greeting"]
    await store.read_apart(lambda sql: sql.execute(sa.text("SELECT 1")).all())
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["ao.db"]


async def test_readers_cannot_write(store):
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        store.read(lambda sql: sql.execute(sa.text("DELETE FROM records")))


def commit_beside(store):
    with closing(sqlite3.connect(store.path)) as other, other:
        other.execute("INSERT INTO records (at, kind, summary, data) VALUES (1, 'greeting', 'Hello.', '{}')")


def count_before_and_after(store, sql):
    counted = sa.text("SELECT count(*) FROM records")
    before = sql.execute(counted).scalar_one()
    commit_beside(store)
    return before, sql.execute(counted).scalar_one()


def test_read_sees_one_moment_although_others_commit_meanwhile(store):
    assert store.read(lambda sql: count_before_and_after(store, sql)) == (0, 0)
    assert len(kinds(store)) == 1


async def test_read_apart_sees_one_moment_too(store):
    assert await store.read_apart(lambda sql: count_before_and_after(store, sql)) == (0, 0)


def test_read_within_a_read_is_of_its_moment(store):
    def both(sql):
        return store.read(lambda sql: count_before_and_after(store, sql)), count_before_and_after(store, sql)

    assert store.read(both) == ((0, 0), (0, 0))


def test_moment_ends_with_a_read_that_fails(store):
    with pytest.raises(ZeroDivisionError):
        store.read(lambda sql: count_before_and_after(store, sql)[0] / 0)
    assert len(kinds(store)) == 1


def test_migrating_again_changes_nothing_and_gives_every_table(tmp_path):
    migrate(tmp_path / "ao.db")
    before = (tmp_path / "ao.db").read_bytes()
    migrate(tmp_path / "ao.db")
    assert (tmp_path / "ao.db").read_bytes() == before
    connection = sqlite3.connect(tmp_path / "ao.db")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert set(metadata.tables) <= tables


def _is_no_virtual_table(name, kind, _parents):
    """The words of the audit trail are an FTS5 table with its own tables behind it: metadata cannot describe them."""
    return kind != "table" or not name.startswith("records_search")


def test_migrations_lead_to_the_tables_that_the_code_describes(tmp_path):
    migrate(tmp_path / "ao.db")
    engine = open_engine(tmp_path / "ao.db")
    with engine.connect() as connection:
        described = {"compare_type": True, "include_name": _is_no_virtual_table}
        context = MigrationContext.configure(connection, opts=described)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == NEWEST
    engine.dispose()


def test_file_that_cannot_be_written_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "ao.db").mkdir()
    with pytest.raises(ConfigError, match="cannot open"):
        migrate(tmp_path / "ao.db")


def test_file_of_a_newer_version_is_refused(tmp_path):
    migrate(tmp_path / "ao.db")
    connection = sqlite3.connect(tmp_path / "ao.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert NEWEST < "9999"
    with pytest.raises(ConfigError, match="upgrade ao"):
        migrate(tmp_path / "ao.db")


def test_file_that_is_no_database_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "ao.db").write_text("not a database, but longer than the header of one is" * 20)
    with pytest.raises(ConfigError, match="move the file away"):
        migrate(tmp_path / "ao.db")


def test_upgrade_that_fails_says_why_in_one_sentence(tmp_path):
    path = tmp_path / "ao.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE deliveries (id INTEGER)")
    connection.close()
    with pytest.raises(ConfigError) as refused:
        migrate(path)
    reason = "table deliveries already exists"
    assert str(refused.value) == f"cannot bring {path} up to date: {reason}. Check the disk, or restore a backup."
