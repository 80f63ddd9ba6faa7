"""What was reported, read from the audit trail."""

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from runtime.store import schema

T = schema.records.c
KIND = "report"
_LOOKED_AT = 200


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """One report or acknowledgement with what became of it; `reason` says why it was rejected."""

    at: float
    session_id: str
    id: str = ""
    what: str = "report"
    state: str = ""
    note: str = ""
    accepted: bool = True
    reason: str = ""
    before: str = ""
    after: str = ""
    pr: int | None = None
    source: str = ""


def of_id(sql: sa.Connection, name: str, id: str) -> Reported | None:
    """Return a session's report of this id, if it is among its newest."""
    return next((one for one in newest(sql, [name], limit=_LOOKED_AT) if one.id == id), None)


def newest(sql: sa.Connection, names: Collection[str], *, limit: int) -> list[Reported]:
    """Return the newest reports of each session, oldest first."""
    place = sa.func.row_number().over(partition_by=T.session_id, order_by=T.id.desc()).label("place")
    chosen = sa.select(schema.records, place).where(T.kind == KIND, T.session_id.in_(names)).subquery()
    rows = sql.execute(sa.select(chosen).where(chosen.c.place <= limit).order_by(chosen.c.id)).mappings()
    return [_reported(row) for row in rows]


def _reported(row: Any) -> Reported:
    known = {key: value for key, value in row["data"].items() if key in Reported.__struct_fields__}
    about = {"at": row["at"], "session_id": row["session_id"], "source": row["source"]}
    return msgspec.convert({**known, **about}, Reported)
