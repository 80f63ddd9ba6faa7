"""The audit trail: read from where a reader stopped, filtered, searched, and forgotten in time."""

import re
from collections.abc import Collection
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa

from runtime.store import schema
from runtime.store.store import Store
from runtime.store.tx import Tx
from runtime.trail import LEVELS

T = schema.records.c

KEPT = 30 * 86400
_AT_A_TIME = 200
_OF_MESSAGES = (("message",), "message")
_OF_WRITES = (("outbox_queued", "outbox_sent", "outbox_deferred", "outbox_failed"), "key")
_WINDOW = 2000
_WORDS = re.compile(r'"([^"]*)"|(\S+)')


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line; `delivery_id` is the delivery that caused it, `delivery` its GUID while the journal knows it."""

    id: int
    at: float
    kind: str
    session_id: str | None
    delivery_id: int | None
    summary: str
    data: dict[str, Any]
    level: str
    source: str
    delivery: str | None = None


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """Which records; what is None or empty does not matter. `level` is the quietest one wanted."""

    session: str | None = None
    project: str | None = None
    repo: str = ""
    """The project's repository: records of deliveries that led to no session belong to it too."""
    delivery: int | None = None
    kinds: tuple[str, ...] = ()
    source: str | None = None
    level: str | None = None
    since: float | None = None


def after(store: Store, id: int, want: Want | None = None, *, limit: int) -> tuple[list[Record], int]:
    """Return the next wanted records after an id, oldest first, and the id up to which that is all of them.

    Looks at a bounded number of records, so the caller asks again until it has come to the newest.
    """
    until = min(newest(store), id + _WINDOW)
    query = _select(want or Want()).where(T.id > id, T.id <= until).order_by(T.id).limit(limit)
    found = [Record(**row._mapping) for row in store.rows(query)]
    return found, found[-1].id if len(found) == limit else max(id, until)


def newest(store: Store) -> int:
    """Return the id of the newest record, 0 when there is none."""
    return int(store.rows(sa.select(sa.func.coalesce(sa.func.max(T.id), 0)))[0][0])


def listing(sql: sa.Connection, want: Want, *, text: str = "", limit: int) -> list[Record]:
    """Return the newest wanted records, newest first; with `text` only those that have all of its words.

    Words are looked up whole, `gree*` by how they begin, `"in quotes"` together; if nothing is found that way, also
    inside words. No text is an error.
    """
    query = _select(want).order_by(T.id.desc()).limit(limit)
    if want.since is not None:
        query = query.where(T.id > newest_before(sql, want.since))
    if not text.strip():
        return _records(sql, query)
    words = [("".join(found)).replace("\0", "") for found in _WORDS.findall(text)]
    found = _records(sql, query.where(T.id.in_(_with_words(words)))) if all(map(_can_be_looked_up, words)) else []
    return found or _records(sql, query.where(*map(_contains, words)))


def caused_by(sql: sa.Connection, delivery: int) -> list[Record]:
    """Return the records of what a delivery caused, oldest first."""
    return _records(sql, _select(Want(delivery=delivery)).order_by(T.id))


def of_nobody(sql: sa.Connection, caused_by: Collection[int]) -> list[Record]:
    """Return the records that deliveries caused before there was a session to name, oldest first."""
    nobodys = (T.delivery_id.in_(caused_by), T.session_id.is_(None))
    return _records(sql, _select(Want()).where(*nobodys).order_by(T.id))


def later(sql: sa.Connection, caused: Collection[Record]) -> list[Record]:
    """Return what became of the messages and the writes to GitHub that some records began, oldest first."""
    if not caused:
        return []
    since = min(record.id for record in caused)
    found = _records(sql, _select(Want(kinds=_OF_WRITES[0])).where(T.id > since, _answers(caused)).order_by(T.id))
    for kinds, path in (_OF_MESSAGES, _OF_WRITES):
        begun = [record.data[path] for record in caused if record.kind == kinds[0] and path in record.data]
        same = sa.func.json_extract(T.data, f"$.{path}").in_(begun)
        found += _records(sql, _select(Want(kinds=kinds)).where(T.id > since, same).order_by(T.id)) if begun else []
    return found


def _answers(caused: Collection[Record]) -> sa.ColumnElement[bool]:
    """Tell the writes to GitHub that answer messages: their keys name the message."""
    messages = [record.data["message"] for record in caused if record.kind == "message" and "message" in record.data]
    key = sa.func.json_extract(T.data, "$.key")
    patterns = [f"%:{how}:{message}{end}" for message in messages for how, end in (("answer", ""), ("reply", ":%"))]
    return sa.or_(sa.false(), *(key.like(pattern) for pattern in patterns))


def newest_before(sql: sa.Connection, time: float) -> int:
    """Return the id of the last record before a time; ids grow with time, so halving finds it."""
    low, high = 0, int(sql.execute(sa.select(sa.func.coalesce(sa.func.max(T.id), 0))).scalar_one())
    while low < high:
        middle = (low + high + 1) // 2
        at = sql.execute(sa.select(T.at).where(T.id <= middle).order_by(T.id.desc()).limit(1)).scalar()
        low, high = (middle, high) if at is None or at < time else (low, middle - 1)
    return low


def counted(sql: sa.Connection, want: Want) -> dict[str, int]:
    """Return how many wanted records there are of each kind, the most frequent first."""
    since = newest_before(sql, want.since) if want.since is not None else 0
    wanted = _filtered(sa.select(T.kind, sa.func.count().label("many")), want).where(T.id > since)
    return {row.kind: row.many for row in sql.execute(wanted.group_by(T.kind).order_by(sa.text("many DESC, kind")))}


async def forget(store: Store, *, kept: float = KEPT) -> int:
    """Drop the records older than `kept` seconds with their words and return how many; live sessions' stay.

    Works in small transactions, so that it delays nobody; the newest row stays, so that ids are never used again.
    """
    before = store.clock() - kept
    last = await store.read_apart(lambda sql: newest_before(sql, before))
    last, first, dropped = min(last, newest(store) - 1), 0, 0
    while first < last:
        part = sa.select(T.id).where(T.id > first, T.id <= last).order_by(T.id).limit(_AT_A_TIME).subquery()
        until = int(store.rows(sa.select(sa.func.coalesce(sa.func.max(part.c.id), last)))[0][0])
        dropped += await store.write(partial(_drop, first, until))
        first = until
    return dropped


def _drop(first: int, until: int, tx: Tx) -> int:
    live = sa.select(schema.sessions.c.id).where(schema.sessions.c.live)
    nobodys = sa.or_(T.session_id.is_(None), T.session_id.not_in(live))
    dropped = tx.sql.execute(schema.records.delete().where(T.id > first, T.id <= until, nobodys))
    return dropped.rowcount


def _select(want: Want) -> sa.Select[Any]:
    deliveries = schema.deliveries.c
    columns = sa.select(schema.records, deliveries.guid.label("delivery"))
    joined = sa.outerjoin(schema.records, schema.deliveries, deliveries.id == T.delivery_id)
    return _filtered(columns.select_from(joined), want)


def _filtered(query: sa.Select[Any], want: Want) -> sa.Select[Any]:
    if want.session is not None:
        query = query.where(T.session_id == want.session)
    if want.delivery is not None:
        query = query.where(T.delivery_id == want.delivery)
    if want.kinds:
        query = query.where(T.kind.in_(want.kinds))
    if want.source is not None:
        query = query.where(T.source == want.source)
    if want.level is not None:
        query = query.where(T.level.in_(LEVELS[LEVELS.index(want.level) :]))
    return query.where(_of_project(want.project, want.repo)) if want.project is not None else query


def _of_project(project: str, repo: str) -> sa.ColumnElement[bool]:
    sessions, deliveries = schema.sessions.c, schema.deliveries.c
    key = sa.func.lower(deliveries.session_key)
    about = sa.select(deliveries.id).where(
        sa.or_(key == repo.lower(), key.startswith(f"{repo.lower()}#", autoescape=True))
    )
    own = T.session_id.in_(sa.select(sessions.id).where(sessions.project == project))
    return sa.or_(own, sa.and_(T.session_id.is_(None), T.delivery_id.in_(about)))


def _can_be_looked_up(word: str) -> bool:
    return any(char.isalnum() for char in word)


def _with_words(words: list[str]) -> sa.Select[Any]:
    """Every word is quoted, so that nothing in it is taken for an operator of FTS5."""
    quoted = [(word.removesuffix("*").replace('"', '""'), word.endswith("*")) for word in words]
    phrases = [f'"{word}"' + ("*" if begins else "") for word, begins in quoted]
    search = schema.records_search
    return sa.select(search.c.rowid).where(sa.literal_column("records_search").op("MATCH")(" ".join(phrases)))


def _contains(word: str) -> sa.ColumnElement[bool]:
    inside = word.removesuffix("*") or word
    data = sa.cast(T.data, sa.Text)
    return sa.or_(T.summary.icontains(inside, autoescape=True), data.icontains(inside, autoescape=True))


def _records(sql: sa.Connection, query: sa.Select[Any]) -> list[Record]:
    return [Record(**row._mapping) for row in sql.execute(query)]
