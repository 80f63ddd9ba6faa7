"""Keeps `sessions/<project>/<session>` up to date, a file that any text editor reads, and takes in what people write.

The store is the truth: a file is written after every change of its session, and one that somebody has changed is read
before it is written again, also when that happened while the service was away.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import msgspec

from runtime import disk, metadata_edits
from runtime.errors import StoreBusy
from runtime.metadata_file import Problem, Written, digest, parse, render
from runtime.metadata_lines import lines_of
from runtime.ports import Forge
from runtime.sessions import Session
from runtime.store import notes, sessions
from runtime.store.store import Feed, Store
from runtime.store.tx import Tx
from runtime.view import SessionView

log = logging.getLogger(__name__)

NO_FILE = "no readable text file of less than a megabyte; it has been replaced"
_DRAFT = re.compile(r".+\.[0-9a-f]{8}\.new")
_CHUNK = 20
_TRY_AGAIN = 60.0
_UNFINISHED = 2.0
"""Seconds after which a last line that has no end is believed to be one."""


class MetadataFiles:
    """One for all sessions; everything happens one after the other."""

    def __init__(
        self,
        store: Store,
        root: Path,
        *,
        show: Callable[[str], SessionView | None],
        head: Callable[[Session], str | None],
        forge: Forge,
        branch_changed: Callable[[str], Awaitable[None]],
        settle: float = 0.3,
        every: float = 0.5,
        after_start: float = 2.0,
        look_every: float = 0.5,
    ) -> None:
        """`show` returns a session as it is listed, `head` the branch that its worktree is on.

        A file that is being written by somebody is left alone until it is `settle` seconds old; ours are written at
        most once in `every` seconds each. `look_every` is how often the watcher's thread wakes up.
        """
        self._store = store
        self._root = root
        self._show = show
        self._head = head
        self._forge = forge
        self._branch_changed = branch_changed
        self._settle, self._every, self._after_start = settle, every, after_start
        self._step = round(look_every * 1000)
        self._watch_again = asyncio.Event()

    async def run(self) -> None:
        """Write and watch for ever."""
        with self._store.following() as feed:
            await asyncio.sleep(self._after_start)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch(feed), name="metadata watch")
                while True:
                    await feed.some()
                    await asyncio.sleep(self._every)  # what happens together is written once, and holds nothing up
                    for name in feed.take():
                        await self._refresh_safely(name, feed)

    async def _look_at_all(self, feed: Feed) -> None:
        """Feed all sessions; ended ones only if their file is not as it was written last."""
        stored = self._store.read(lambda sql: sessions.listing(sql, live_only=False))
        newest = self._store.read(lambda sql: notes.firsts(sql, _key(""), "hashes"))
        for number, session in enumerate(stored):
            data = None if session.live else disk.read_bytes(self._path(session))
            if data is None or digest(data) != newest.get(_key(session.id)):
                feed.add(session.id)
            if number % _CHUNK == 0:
                await asyncio.sleep(0)
        known = {_key(session.id) for session in stored}
        feed.add(*(key.removeprefix(_key("")) for key in newest if key not in known))
        for draft in self._root.glob("*/*.new"):
            if _DRAFT.fullmatch(draft.name):
                draft.unlink(missing_ok=True)

    def _is_somebodys(self, path: Path) -> bool:
        """Tell whether a file that was touched is not as we wrote it last; our drafts are nobody's."""
        if _DRAFT.fullmatch(path.name):
            return False
        data = disk.read_bytes(path)
        return data is None or digest(data) not in self._written(path.name).hashes[:1]

    async def _refresh_safely(self, name: str, feed: Feed) -> None:
        try:
            await self._refresh(name, feed)
        except (OSError, StoreBusy) as exc:
            log.warning("metadata file not written", extra={"session_id": name, "error": str(exc)})
        except Exception:  # one broken session must not stop the others
            log.exception("metadata file not written", extra={"session_id": name})

    async def _refresh(self, name: str, feed: Feed) -> None:
        """Take in what somebody has changed, then write what is true now, if that differs."""
        session, shown, written = self._get(name), self._show(name), self._written(name)
        if session is None:
            return await self._forget(name, written)
        path = self._path(session)
        data = await asyncio.to_thread(disk.read_bytes, path)
        if written.hashes and _is_there(path) and (data is None or not written.is_own(data)):
            if (wait := self._unsettled(path, data)) > 0:
                asyncio.get_running_loop().call_later(wait, feed.add, name)
                return None
            await self._take_in(session, written, data)
            session, shown, written = self._get(name), self._show(name), self._written(name)
        if session is None or shown is None:
            return None
        lines = lines_of(session, shown)
        text = render(lines)
        if text == data:
            return None
        if digest(text) not in written.hashes[:1]:
            # Known before it is written: a file that we wrote must never look like somebody's.
            note = msgspec.to_builtins(written.then(lines))
            await self._store.write(lambda tx: notes.put(tx, _key(name), note))
        if await asyncio.to_thread(disk.read_bytes, path) != data:  # somebody has saved it meanwhile
            return feed.add(name)
        if await asyncio.to_thread(_put, path, text):
            self._watch_again.set()
        return None

    async def _forget(self, name: str, written: Written) -> None:
        """Remove the file of a session that is not there any more, if we wrote it."""
        if written.hashes:
            path = self._root / written.lines["project"] / name
            data = await asyncio.to_thread(disk.read_bytes, path)
            if data is not None and written.is_own(data):
                path.unlink(missing_ok=True)
            await self._store.write(lambda tx: notes.drop(tx, _key(name)))

    def _unsettled(self, path: Path, data: bytes | None) -> float:
        """Return how long to leave a file alone because somebody may still be writing it."""
        age = time.time() - path.lstat().st_mtime
        settle = self._settle if data is None or data.endswith(b"\n") or not data else max(self._settle, _UNFINISHED)
        return settle - age if 0 <= age < settle else 0.0

    async def _take_in(self, session: Session, written: Written, data: bytes | None) -> None:
        values, problems = ({}, [Problem("", NO_FILE)]) if data is None else parse(data)
        changed = written.changed_in(values)
        edit, refused = await metadata_edits.check(session, changed, forge=self._forge, head=self._head(session))
        before = session.branch

        def take(tx: Tx) -> None:
            metadata_edits.apply(tx, session.id, edit, [*problems, *refused])
            if data is not None:  # what is changed next, is changed in this
                notes.put(tx, _key(session.id), msgspec.to_builtins(written.then(values, data)))

        await self._store.write(take)
        now = self._get(session.id)
        if now is not None and now.branch != before:
            await self._branch_changed(session.id)

    def _get(self, name: str) -> Session | None:
        return self._store.read(lambda sql: sessions.get(sql, name))

    def _written(self, name: str) -> Written:
        known = self._store.read(lambda sql: notes.get(sql, _key(name)))
        return Written() if known is None else msgspec.convert(known, Written)

    def _path(self, session: Session) -> Path:
        return self._root / session.project / session.id

    async def _watch(self, feed: Feed) -> None:
        """Feed the names of files that somebody touches; what cannot be watched is looked at before each writing."""
        while True:
            self._watch_again.clear()
            try:
                self._root.mkdir(mode=0o700, exist_ok=True)
                await self._watch_root(feed)
            except OSError as exc:
                if isinstance(exc, FileNotFoundError) and self._root.parent.is_dir():
                    await asyncio.sleep(self._step / 1000)  # removed in this moment; it is made again
                    continue
                log.warning("metadata files are not watched", extra={"error": str(exc)})
                await self._look_at_all(feed)
                await asyncio.sleep(_TRY_AGAIN)

    async def _watch_root(self, feed: Feed) -> None:
        """Watch until the directory is another one, or has another one in it: those are not watched yet."""
        from watchfiles import awatch  # loads a library that only the service needs

        known = self._root.stat().st_ino
        seen = awatch(
            self._root, watch_filter=None, debounce=self._step, step=self._step, stop_event=self._watch_again
        )  # fmt: skip
        async with aclosing(seen):
            coming = asyncio.ensure_future(anext(seen, None))
            try:
                await asyncio.sleep(0)  # from here on nothing is missed
                await self._look_at_all(feed)
                while (changes := await coming) is not None:
                    feed.add(*(Path(place).name for _, place in changes if self._is_somebodys(Path(place))))
                    if not self._root.exists() or self._root.stat().st_ino != known:
                        return
                    coming = asyncio.ensure_future(anext(seen, None))
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _key(name: str) -> str:
    return f"metadata:{name}"


def _put(path: Path, text: bytes) -> bool:
    """Replace the file in one step, whatever is in its place; tell whether its directory had to be made."""
    made = [disk.make_own_directory(place, mode=0o700) for place in (path.parents[1], path.parent)]
    if disk.is_own_directory(path):
        disk.remove_tree(path)
    disk.write_bytes(path, text, mode=0o600)
    return any(made)
