"""Rows of sessions, their addresses and the steps of their spawn."""

from collections.abc import Collection
from typing import Any, Literal

import sqlalchemy as sa

from runtime.sessions import Session, branch_name, session_id
from runtime.store import numbers, schema
from runtime.store.tx import Tx
from runtime.words import STEPS

T = schema.sessions.c

# Built once: SQLAlchemy takes four times as long to build such a statement as to run it.
_ALL = sa.select(schema.sessions)
_BY_NAME = _ALL.where(T.id == sa.bindparam("name"))
_IN_ORDER = _ALL.order_by(T.created_at, T.number)
_LIVE = _IN_ORDER.where(T.live)
_CLEANED = sa.select(schema.facts.c.session_id).where(schema.facts.c.kind == "cleaned")
_UNFINISHED = _IN_ORDER.where(sa.or_(T.live, T.id.not_in(_CLEANED)))
_OF_ISSUE = sa.select(T.id).where(T.project == sa.bindparam("project"), T.issue == sa.bindparam("issue"), T.live)
_AT = (
    _ALL.join(schema.addresses, schema.addresses.c.session_id == T.id)
    .where(schema.addresses.c.address == sa.bindparam("address"))
    .order_by(T.live.desc(), T.number.desc())
)
_CLAIM = schema.sessions.insert()
_CHANGE = schema.sessions.update().where(T.id == sa.bindparam("name"))
_ADDRESS = schema.addresses.insert().prefix_with("OR IGNORE")
_STEPS = sa.select(schema.steps).where(schema.steps.c.session_id == sa.bindparam("name"))
_STEP_DONE = schema.steps.insert().prefix_with("OR REPLACE")
_WITH_STEP = (
    sa.select(T.id)
    .select_from(sa.join(schema.sessions, schema.steps, T.id == schema.steps.c.session_id))
    .where(T.live, schema.steps.c.name == sa.bindparam("step"))
)


def claim(
    tx: Tx,
    *,
    project: str,
    prefix: str,
    repo: str,
    issue: int | None,
    title: str,
    task: str,
    agent: str,
    base: str,
    asked_by: str,
    role: Literal["worker", "orchestrator"] = "worker",
    parent: str | None = None,
    pull: int | None = None,
    branch: str | None = None,
    model: str | None = None,
) -> Session | None:
    """Make the issue's session and return it, or None when the issue has a live one already.

    The database enforces one live session per project and issue, so two claims at once make one session. Its branch
    is named after it unless another is given.
    """
    if issue is not None and of_issue(tx.sql, project, issue) is not None:
        return None
    number = numbers.next_free(tx.sql, project)
    name = session_id(prefix, number)
    home = repo.lower()  # GitHub compares names of repositories without case
    key = f"{home}#{issue}" if issue is not None else name
    tx.sql.execute(
        _CLAIM,
        {
            "id": name, "project": project, "number": number, "repo": repo, "session_key": key, "issue": issue,
            "title": title, "task": task, "agent": agent, "branch": branch or branch_name(name), "base": base,
            "asked_by": asked_by, "created_at": tx.now, "live": True, "announced_status": "", "announced_reason": "",
            "announced_at": tx.now, "role": role, "parent": parent, "pull": pull, "model": model,
        },
    )  # fmt: skip
    if issue is not None:
        address(tx, name, f"issue:{home}#{issue}")
    address(tx, name, f"branch:{home}:{branch or branch_name(name)}")
    address(tx, name, f"trailer:{home}:{name}")
    tx.record("claimed", f"{name} claimed for {key} by {asked_by}", session_id=name, agent=agent, by=asked_by)
    tx.touched.add(name)
    tx.wake("sessions")
    return get(tx.sql, name)


def of_issue(sql: sa.Connection, project: str, issue: int | None) -> str | None:
    """Return the live session that has the issue."""
    return sql.execute(_OF_ISSUE, {"project": project, "issue": issue}).scalar()


def on_branch(sql: sa.Connection, project: str, branch: str) -> str | None:
    """Return the live session that works on the branch."""
    return sql.execute(sa.select(T.id).where(T.project == project, T.branch == branch, T.live)).scalar()


def branches(sql: sa.Connection, project: str) -> dict[str, str]:
    """Return the branches of the live sessions, and which session has each."""
    found = sql.execute(sa.select(T.branch, T.id).where(T.project == project, T.live))
    return {branch: name for branch, name in found}


def works_on(sql: sa.Connection, project: str) -> bool:
    """Tell whether a session of the project lives."""
    return sql.execute(ids({project}, live_only=True).limit(1)).first() is not None


def last_base(sql: sa.Connection, project: str) -> str | None:
    """Return the branch that the project's newest session has started from."""
    query = sa.select(T.base).where(T.project == project).order_by(T.created_at.desc(), T.number.desc()).limit(1)
    return sql.execute(query).scalar()


def get(sql: sa.Connection, name: str) -> Session | None:
    """Return the session of this id."""
    row = sql.execute(_BY_NAME, {"name": name}).mappings().first()
    return Session(**row) if row else None


def listing(sql: sa.Connection, *, project: str | None = None, live_only: bool = True) -> list[Session]:
    """Return sessions, oldest first."""
    query = _LIVE if live_only else _IN_ORDER
    if project is not None:
        query = query.where(T.project == project)
    return [Session(**row) for row in sql.execute(query).mappings()]


def ids(projects: Collection[str], *, live_only: bool) -> sa.Select[tuple[str]]:
    """Return the query for the ids of some projects' sessions, for other queries to build on."""
    query = sa.select(T.id).where(T.project.in_(projects))
    return query.where(T.live) if live_only else query


def chosen(sql: sa.Connection, which: sa.Select[tuple[str]]) -> list[Session]:
    """Return the sessions of these ids, oldest first."""
    return [Session(**row) for row in sql.execute(_IN_ORDER.where(T.id.in_(which))).mappings()]


def count_ended(sql: sa.Connection, projects: Collection[str]) -> int:
    """Return how many sessions of some projects have ended, orchestrators apart."""
    query = sa.select(sa.func.count()).select_from(schema.sessions).where(T.role != "orchestrator")
    return int(sql.execute(query.where(T.project.in_(projects), T.live.is_(False))).scalar_one())


def holder(sql: sa.Connection, session: Session) -> str | None:
    """Return the other live session that has this one's issue or branch."""
    same = sa.or_(T.branch == session.branch, sa.and_(T.issue.is_not(None), T.issue == session.issue))
    return sql.execute(sa.select(T.id).where(T.project == session.project, T.id != session.id, T.live, same)).scalar()


def unfinished(sql: sa.Connection) -> list[Session]:
    """Return the sessions that still hold something: live ones, and ended ones that are not cleaned up."""
    return [Session(**row) for row in sql.execute(_UNFINISHED).mappings()]


def left_behind(sql: sa.Connection, session: Session) -> list[str]:
    """Return earlier sessions of the same issue that ended and are still there, and that nobody has ended."""
    settled = sa.select(schema.facts.c.session_id).where(schema.facts.c.kind.in_(("cleaned", "killed")))
    same = (T.project == session.project, T.issue == session.issue, T.id != session.id)
    return list(sql.execute(sa.select(T.id).where(*same, T.live.is_(False), T.id.not_in(settled))).scalars())


def children(sql: sa.Connection, parent: str) -> list[str]:
    """Return the live sessions that a session has started, oldest first."""
    return list(sql.execute(sa.select(T.id).where(T.parent == parent, T.live).order_by(T.number)).scalars())


def change(tx: Tx, name: str, **values: Any) -> None:
    """Change columns of a session."""
    tx.sql.execute(_CHANGE, {"name": name, **values})


def address(tx: Tx, name: str, where: str) -> None:
    """Let deliveries about `where` find the session; again is harmless."""
    tx.sql.execute(_ADDRESS, {"address": where, "session_id": name})


def unaddress(tx: Tx, name: str, where: str) -> None:
    """Lead deliveries about `where` to the session no longer; again is harmless."""
    table = schema.addresses
    tx.sql.execute(table.delete().where(table.c.address == where, table.c.session_id == name))


def find(sql: sa.Connection, addresses: list[str]) -> Session | None:
    """Return the session that the first known address belongs to; of several the newest."""
    for where in addresses:
        if row := sql.execute(_AT, {"address": where}).mappings().first():
            return Session(**row)
    return None


def steps(sql: sa.Connection, name: str) -> dict[str, dict[str, Any]]:
    """Return the steps done for a session, with what each left behind."""
    rows = sql.execute(_STEPS, {"name": name}).mappings()
    return {row["name"]: row["data"] for row in rows}


def steps_of(sql: sa.Connection, which: sa.Select[tuple[str]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the same for the sessions of these ids."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in sql.execute(sa.select(schema.steps).where(schema.steps.c.session_id.in_(which))).mappings():
        found.setdefault(row["session_id"], {})[row["name"]] = row["data"]
    return found


def with_step(sql: sa.Connection, step: str) -> set[str]:
    """Return the names of the live sessions for which a step is done."""
    return set(sql.execute(_WITH_STEP, {"step": step}).scalars())


def step_done(tx: Tx, name: str, step: str, **data: Any) -> None:
    """Record that a step is done."""
    tx.sql.execute(_STEP_DONE, {"session_id": name, "name": step, "data": data, "done_at": tx.now})
    tx.record("step", f"{name}: {STEPS.get(step, f'{step} done')}", session_id=name, step=step)
    tx.touched.add(name)


def step_undone(tx: Tx, name: str, step: str) -> None:
    """Record that a step has been undone."""
    tx.sql.execute(schema.steps.delete().where(schema.steps.c.session_id == name, schema.steps.c.name == step))
