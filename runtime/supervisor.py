"""Owns the keepers: one for each session that still holds something, from its claim until it is cleaned up."""

import asyncio
import contextlib
import logging
import stat
from functools import partial
from pathlib import Path

from runtime.errors import StoreBusy
from runtime.hands import Hands
from runtime.host import boot_id
from runtime.ingest import ingest, ingest_some
from runtime.keeper import Keeper
from runtime.reboot import notice_reboot
from runtime.sessions import Session
from runtime.store import facts, sessions
from runtime.watch import Watch

log = logging.getLogger(__name__)

AGAIN = 2.0
LONGEST_PAUSE = 120.0


class Supervisor:
    """Starts keepers for claimed sessions and reads what agents push."""

    def __init__(self, hands: Hands, pokes: "asyncio.Queue[str]", *, again: float = AGAIN) -> None:
        """`pokes` carries the ids of sessions whose agent has pushed something.

        What fails is tried `again` so many seconds later.
        """
        self._again = again
        self._hands = hands
        self._pokes = pokes
        self._later: set[str] = set()
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self.adopted = asyncio.Event()
        """Set when the sessions of an earlier service are taken up, or are tried again later."""

    async def run(self) -> None:
        """Adopt what an earlier service left, then keep every session until cancelled."""
        topic = self._hands.store.topic("sessions")
        await self._hands.store.write(lambda tx: tx.wake("sessions"))  # the limits may be others than before
        async with asyncio.TaskGroup() as group:
            await self._adopt(group)
            self.adopted.set()
            if lost := await notice_reboot(self._hands.store, boot_id()):
                log.warning("the machine was started again", extra={"lost": len(lost)})
            group.create_task(self._read_pushes(), name="pushes")
            group.create_task(self._look_for_pushes(), name="unread pushes")
            group.create_task(Watch(self._hands).run(), name="watch")
            while True:
                topic.clear()
                self._keep_all(group)
                await topic.wait()

    async def _adopt(self, group: asyncio.TaskGroup) -> None:
        """Take up what an earlier service left, all at once: what the gates ask of git is then asked once for all."""
        names = [session.id for session in self._hands.store.read(sessions.unfinished)]
        done = await asyncio.gather(*(self._adopt_one(name) for name in names))
        for name in (name for name, well in zip(names, done, strict=True) if not well):
            group.create_task(self._adopt_later(name), name=f"adopting {name}")

    async def _adopt_later(self, name: str) -> None:
        """Try again what did not work at the start, ever more seldom, while the session holds anything."""
        await self._record(name)
        pause = self._again
        while name in {one.id for one in self._hands.store.read(sessions.unfinished)}:
            await asyncio.sleep(pause)
            if await self._adopt_one(name):
                return
            pause = min(pause * 2.0, LONGEST_PAUSE)

    async def _adopt_one(self, name: str) -> bool:
        """Listen to a session again; return whether nothing is left to do for that."""
        if facts.SPAWNED not in self._hands.store.read(partial(sessions.steps, name=name)):
            return True
        try:
            await self._hands.open_gate(name)
            self._hands.listen(name)
            await ingest(self._hands.store, name, self._hands.place(name).pushes, self._hands.agents)
        except Exception:  # one session that cannot be adopted must not stop the others
            log.exception("not adopted", extra={"session_id": name})
            return False
        log.info("adopted", extra={"session_id": name})
        return True

    async def _record(self, name: str) -> None:
        said = f"{name} is not taken up again yet after the restart; the service's log says why"
        with contextlib.suppress(StoreBusy):
            await self._hands.store.write(lambda tx: tx.record("adopt_failed", said, session_id=name))

    def _keep_all(self, group: asyncio.TaskGroup) -> None:
        for session in self._hands.store.read(sessions.unfinished):
            task = self._keepers.get(session.id)
            if session.project in self._hands.projects and (task is None or task.done()):
                keeper = Keeper(self._hands, session.id)
                self._keepers[session.id] = group.create_task(keeper.run(), name=f"keeper {session.id}")

    async def _read_pushes(self) -> None:
        while True:
            name = await self._pokes.get()
            try:
                if await ingest_some(self._hands.store, name, self._hands.place(name).pushes, self._hands.agents):
                    self._pokes.put_nowait(name)  # an agent that has much to say does not keep the others waiting
            except Exception as exc:  # as above; the same lines are read again, for an agent that waits does not poke
                expected, about = isinstance(exc, StoreBusy), {"session_id": name, "error": str(exc)}
                level = logging.WARNING if expected else logging.ERROR
                log.log(level, "pushes not read", exc_info=not expected, extra=about)
                self._poke_later(name)

    async def _look_for_pushes(self) -> None:
        """Poke for what nobody was woken for: a FIFO may have been removed, or replaced by something else.

        What is read on between two looks needs no poke.
        """
        before: dict[str, int] = {}
        while True:
            await asyncio.sleep(self._hands.patience.probe_every)
            live = self._hands.store.read(sessions.listing)
            unread = {one.id: one.push_offset for one in live if self._has_unread(one)}
            for name in (name for name, offset in unread.items() if before.get(name) == offset):
                self._pokes.put_nowait(name)
            before = unread

    def _has_unread(self, session: Session) -> bool:
        return _size(self._hands.place(session.id).pushes) > session.push_offset

    def _poke_later(self, name: str) -> None:
        """Read a session's pushes again after a while, once however often that was asked for."""
        if name not in self._later:
            self._later.add(name)
            asyncio.get_running_loop().call_later(self._again, self._poke, name)

    def _poke(self, name: str) -> None:
        self._later.discard(name)
        self._pokes.put_nowait(name)


def _size(file: Path) -> int:
    with contextlib.suppress(OSError):
        known = file.lstat()
        return known.st_size if stat.S_ISREG(known.st_mode) else 0
    return 0
