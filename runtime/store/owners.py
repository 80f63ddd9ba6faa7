"""Who owns what lies on the disk, read beside a service that may or may not run."""

from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from runtime.store import schema
from runtime.store.engine import open_engine


class Owners(NamedTuple):
    """The sessions that still hold a worktree and a terminal, and the branches of all sessions there ever were."""

    sessions: frozenset[str] = frozenset()
    branches: frozenset[tuple[str, str]] = frozenset()
    """Repository, in lower case, and branch."""


def owners(path: Path) -> Owners:
    """Read the owners from a database, which is not changed; nobody where there is none."""
    if not path.is_file():
        return Owners()
    engine = open_engine(path, read_only=True)
    session, fact = schema.sessions.c, schema.facts.c
    cleaned = sa.select(fact.session_id).where(fact.kind == "cleaned")
    try:
        with engine.connect() as sql:
            holding = sql.execute(sa.select(session.id).where(sa.or_(session.live, session.id.not_in(cleaned))))
            branches = sql.execute(sa.select(session.repo, session.branch))
            return Owners(frozenset(holding.scalars()), frozenset((row.repo.lower(), row.branch) for row in branches))
    finally:
        engine.dispose()
