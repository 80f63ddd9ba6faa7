"""Rows of facts: the newest of each kind and subject."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from runtime import trail
from runtime.current import current
from runtime.fact import Fact
from runtime.facts import KINDS, Check, Facts, Killed, Process, PullRequest, Pushed, SpawnFailed, assemble
from runtime.judging.judgement import Status
from runtime.redact import REDACTED
from runtime.said import Noted, Restored
from runtime.store import schema
from runtime.store.tx import Tx
from runtime.words import level, words

T = schema.facts.c

_SAME = (T.session_id == sa.bindparam("session"), T.kind == sa.bindparam("kind"), T.subject == sa.bindparam("subject"))
_BEFORE = sa.select(T.value, T.at).where(*_SAME)
_LEARN = schema.facts.insert().prefix_with("OR REPLACE")
_OF_SESSION = sa.select(T.kind, T.value).where(T.session_id == sa.bindparam("session")).order_by(T.at)
_STEP_AT = sa.select(schema.steps.c.done_at).where(
    schema.steps.c.session_id == sa.bindparam("session"), schema.steps.c.name == sa.bindparam("step")
)

SPAWNED = "terminal"
"""The step after which a session counts as spawned."""


def learn(tx: Tx, session_id: str, fact: Fact, *, source: trail.Source) -> bool:
    """Store a fact unless a newer one is known; return whether anything changed.

    Deliveries arrive out of order, so the fact's own time decides. A merged pull request stays merged, and a session
    that has ended with it gets no other one.
    """
    if not fact.at:
        fact = msgspec.structs.replace(fact, at=tx.now)
    key = {"session": session_id, "kind": fact.kind, "subject": fact.subject()}
    row = tx.sql.execute(_BEFORE, key).first()
    value = msgspec.to_builtins(fact)
    if row is not None and (row.value == value or not _replaces(row.at, row.value, fact)):
        return False
    if row is not None and _is_final(tx, session_id, row.at, row.value, fact):
        return False
    if isinstance(fact, PullRequest) and (
        _has_merged(tx, session_id) if row is None else _goes_back(tx, session_id, row.at, row.value["head_sha"], fact)
    ):
        return False
    named = {"session_id": session_id, "kind": fact.kind, "subject": fact.subject()}
    tx.sql.execute(_LEARN, {**named, "value": value, "source": source, "at": fact.at})
    _record(tx, session_id, fact, value, source)
    tx.touched.add(session_id)
    return True


def _record(tx: Tx, session_id: str, fact: Fact, value: dict[str, object], source: trail.Source) -> None:
    tx.source = source  # of what follows from it in this transaction too
    if isinstance(fact, Noted) and fact.value and trail.names_a_secret(fact.key):
        fact = msgspec.structs.replace(fact, value=REDACTED)
        value = {**value, "value": REDACTED}
    data = {"fact": fact.kind, **value}
    tx.record("fact", f"{session_id}: {words(fact)}", session_id=session_id, level=level(fact), data=data)
    for step in fact.left_behind if isinstance(fact, SpawnFailed) else ():
        tx.record("undo_failed", f"{session_id}: not undone: {step}", session_id=session_id, step=step)


def _replaces(known_at: float, known: dict[str, object], fact: Fact) -> bool:
    if isinstance(fact, PullRequest) and known.get("state") == "merged":
        return False
    if isinstance(fact, Check) and known.get("conclusion") and not fact.conclusion:
        return fact.at > known_at  # GitHub counts whole seconds: a quick check begins and ends in one
    return fact.at >= known_at


def _is_final(tx: Tx, session_id: str, known_at: float, known: dict[str, object], fact: Fact) -> bool:
    """Tell whether an end is known that only a restore takes back: a person's word, or how the process ended."""
    if isinstance(fact, Process):
        how = (known.get("exit_code"), known.get("signal"))
        if known["state"] != "exited" or how == (None, None):
            return False
    elif not isinstance(fact, Killed):
        return False
    restored = sa.select(T.at).where(T.session_id == session_id, T.kind == Restored.kind)
    at = tx.sql.execute(restored).scalar()
    return at is None or at < known_at or fact.at < at


def _has_merged(tx: Tx, session_id: str) -> bool:
    """Tell whether the session has ended as merged: what its branch is used for afterwards is not its work."""
    S = schema.sessions.c
    status = tx.sql.execute(sa.select(S.announced_status).where(S.id == session_id)).scalar()
    return bool(status == Status.MERGED)


def _goes_back(tx: Tx, session_id: str, known_at: float, known_head: str, fact: PullRequest) -> bool:
    """Tell whether a description of the same second takes the head away from the commit that was pushed last."""
    if known_at != fact.at or known_head == fact.head_sha:
        return False
    pushed = sa.select(T.subject).where(T.session_id == session_id, T.kind == Pushed.kind)
    newest_first = tx.sql.execute(pushed.order_by(T.at.desc())).scalars().all()
    return fact.head_sha in newest_first and newest_first[0] == known_head


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A fact with who told it."""

    fact: Fact
    source: str


def known(sql: sa.Connection, session_id: str) -> list[Known]:
    """Return a session's facts with who told them, oldest first."""
    rows = sql.execute(sa.select(T.kind, T.value, T.source).where(T.session_id == session_id).order_by(T.at))
    return [Known(fact=msgspec.convert(row.value, KINDS[row.kind]), source=row.source) for row in rows]


def of_session(sql: sa.Connection, session_id: str, created_at: float) -> Facts:
    """Return the facts of one session that count now."""
    rows = sql.execute(_OF_SESSION, {"session": session_id}).all()
    spawned_at = sql.execute(_STEP_AT, {"session": session_id, "step": SPAWNED}).scalar()
    return _current(created_at, spawned_at, rows)


def of_sessions(sql: sa.Connection, which: sa.Select[tuple[str]], created: Mapping[str, float]) -> dict[str, Facts]:
    """Return the same for many sessions with two queries; `which` selects their ids, `created` has their times."""
    found: dict[str, list[Any]] = {name: [] for name in created}
    query = sa.select(T.kind, T.value, T.session_id).where(T.session_id.in_(which)).order_by(T.at)
    for row in sql.execute(query):
        found[row.session_id].append(row)
    done = schema.steps.c
    spawns = sa.select(done.session_id, done.done_at).where(done.session_id.in_(which), done.name == SPAWNED)
    spawned_at: dict[str, float] = {row.session_id: row.done_at for row in sql.execute(spawns)}
    return {name: _current(created[name], spawned_at.get(name), rows) for name, rows in found.items()}


def _current(created_at: float, spawned_at: float | None, rows: Sequence[Any]) -> Facts:
    known = [msgspec.convert(row.value, KINDS[row.kind]) for row in rows]
    return current(assemble(created_at, spawned_at, known))
