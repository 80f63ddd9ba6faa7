"""Notices that the machine was started again: whatever ran before is gone, and its numbers mean others now."""

import msgspec

from runtime.facts import Process
from runtime.store import facts, notes
from runtime.store.store import Store
from runtime.store.tx import Tx
from runtime.store.watched import watched

KEY = "boot_id"
LOST = "the machine was started again"
REBOOTED = "The machine was started again; agents lost by it: {names}"


async def notice_reboot(store: Store, boot: str) -> list[str]:
    """Compare this boot with the one noted last; return the sessions that were lost between them.

    Call it before anything is looked for, and after what agents had said was read: their own word comes first.
    An empty `boot` is unknown, from which nothing follows.
    """
    if not boot or store.read(lambda sql: notes.get(sql, KEY)) == boot:
        return []
    return await store.write(lambda tx: _compare(tx, boot))


def _compare(tx: Tx, boot: str) -> list[str]:
    known = notes.get(tx.sql, KEY)
    notes.put(tx, KEY, boot)
    if known is None:
        return []
    lost = [one.name for one in watched(tx.sql) if one.live and _lose(tx, one.name, one.process, boot)]
    tx.record("rebooted", REBOOTED.format(names=", ".join(lost) or "none"))
    return lost


def _lose(tx: Tx, name: str, process: Process | None, boot: str) -> bool:
    if process is not None and (process.boot == boot or process.state == "exited"):
        return False
    known = process or Process(state="running")
    fact = msgspec.structs.replace(known, at=tx.now, state="lost", detail=LOST)
    return facts.learn(tx, name, fact, source="service")
