"""What changes hands in the rows when a session takes over another's pull request."""

import sqlalchemy as sa

from runtime.sessions import Session
from runtime.store import schema
from runtime.store.tx import Tx

A, F, S = schema.addresses.c, schema.facts.c, schema.sessions.c

_ABOUT_COMMITS = ("check", "checks_done", "review", "pushed")


def holders(sql: sa.Connection, session: Session, number: int, branch: str) -> list[Session]:
    """Return the other sessions that have the pull request, or still have its branch."""
    where = f"pr:{session.repo.lower()}#{number}"
    having = sa.select(A.session_id).where(A.address == where)
    mine = sa.and_(S.project == session.project, S.branch == branch)
    query = sa.select(schema.sessions).where(S.id != session.id, sa.or_(S.id.in_(having), mine)).order_by(S.number)
    return [Session(**row) for row in sql.execute(query).mappings()]


def hand_over(tx: Tx, winner: Session, losers: list[Session], *, number: int, branch: str) -> None:
    """Let deliveries about the pull request find the winner only, and let it know what is known of its commits."""
    home = winner.repo.lower()
    for loser in losers:
        lost = [A.address.in_((f"pr:{home}#{number}", f"branch:{home}:{branch}"))]
        if loser.branch == branch:
            lost.append(A.address.like(f"sha:{home}@%"))
        of = (A.session_id == loser.id, sa.or_(*lost))
        found = list(tx.sql.execute(sa.select(A.address).where(*of)).scalars())
        tx.sql.execute(schema.addresses.delete().where(*of))
        insert = schema.addresses.insert().prefix_with("OR IGNORE")
        for address in found:
            tx.sql.execute(insert.values(address=address, session_id=winner.id))
        known = sa.select(
            sa.literal(winner.id), F.kind, F.subject, F.value, F.source, F.at
        ).where(F.session_id == loser.id, F.kind.in_(_ABOUT_COMMITS))  # fmt: skip
        columns = ["session_id", "kind", "subject", "value", "source", "at"]
        tx.sql.execute(schema.facts.insert().prefix_with("OR IGNORE").from_select(columns, known))
        tx.touched.add(loser.id)
    tx.touched.add(winner.id)
