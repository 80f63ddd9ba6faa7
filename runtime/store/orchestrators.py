"""Rows of orchestrators: one session for each project, with an id of its own."""

import sqlalchemy as sa

from runtime.sessions import Session
from runtime.store import schema, sessions
from runtime.store.tx import Tx

T = schema.sessions.c


def of_project(sql: sa.Connection, project: str) -> Session | None:
    """Return the project's orchestrator, live or ended."""
    query = sa.select(schema.sessions).where(T.project == project, T.role == "orchestrator")
    row = sql.execute(query).mappings().first()
    return Session(**row) if row else None


def claim(tx: Tx, *, project: str, prefix: str, repo: str, agent: str, base: str, asked_by: str) -> Session:
    """Return the project's orchestrator and make it if there is none; two claims at once make one."""
    if (known := of_project(tx.sql, project)) is not None:
        return known
    name = f"{prefix}-orchestrator"
    tx.sql.execute(
        schema.sessions.insert().values(
            id=name, project=project, number=0, repo=repo, session_key=name, issue=None,
            title=f"Orchestrator of {project}",
            task="", agent=agent, branch=f"orchestrator/{name}", base=base, asked_by=asked_by, created_at=tx.now,
            live=True, announced_status="", announced_reason="", announced_at=tx.now, role="orchestrator",
        )
    )  # fmt: skip
    tx.record("claimed", f"{name} claimed by {asked_by}", session_id=name)
    tx.touched.add(name)
    tx.wake("sessions")
    made = sessions.get(tx.sql, name)
    assert made is not None  # noqa: S101 - inserted above
    return made
