"""The running service, as the command line and scripts may ask and steer it."""

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Iterable, Mapping
from importlib.metadata import version

from bot.api.port import (
    DeliveryDetail,
    DeliveryView,
    Figure,
    Killed,
    ProjectStatus,
    RecordView,
    Sent,
    ServiceStatus,
    Unknown,
)
from bot.figures import figures
from bot.journal_views import delivery_detail, delivery_view, record_views
from bot.parts import Parts
from runtime.errors import StoreBusy, TmuxUnavailable, UserError
from runtime.facts import Cleaned
from runtime.facts import Killed as KilledFact
from runtime.inbox import FAILED, PASTED, QUEUED
from runtime.look import Look, look
from runtime.status import activity
from runtime.store import deliveries, facts, messages, records, sessions
from runtime.store.tx import Tx
from runtime.view import SessionView, iso, view

CLEANED_WITHIN = 20.0
NOT_LIVE = "{name} has ended ({status}): start it again by putting the label on its issue."


class Service:
    """Implements `bot.api.port.ServicePort` over the parts that `bot.app` put together."""

    def __init__(self, parts: Parts, broken: Mapping[str, tuple[str, ...]]) -> None:
        self._parts = parts
        self._store = parts.store
        self._broken = broken
        self._started = time.time()

    def sessions(self, *, project: str | None, ended: bool) -> tuple[list[SessionView], int]:
        """Return the sessions, oldest first, and how many ended ones were left out."""
        stored = self._store.read(lambda sql: sessions.listing(sql, project=project, live_only=False))
        known = [session for session in stored if session.project in self._parts.projects]
        wanted = [session for session in known if session.live or ended]
        return [self.session(session.id) for session in wanted], len(known) - len(wanted)

    def session(self, name: str) -> SessionView:
        """Return one session."""
        seen = self._look(name)
        session, worktree = seen.session, self._parts.workspaces.worktree(seen.session)
        times = self._parts.projects[session.project].times
        return view(
            session, seen.facts, status=session.announced_status, reason=session.announced_reason,
            activity=activity(seen.facts, self._store.clock(), times), pending_threads=_threads(seen),
            workspace_path=str(worktree) if worktree.exists() else None,
            attach_command=self._parts.tmux.attach_command(session.id) if facts.SPAWNED in seen.steps else None,
        )  # fmt: skip

    def _look(self, name: str) -> Look:
        seen = self._store.read(lambda sql: look(sql, name))
        if seen is None or seen.session.project not in self._parts.projects:
            raise Unknown(f"there is no session {name}: `ao session ls --include-terminated` lists all")
        return seen

    async def kill(self, name: str) -> Killed:
        """End a session; its worktree goes a moment later, what was not pushed is kept."""
        seen = self._look(name)
        if not seen.session.live and seen.facts.cleaned is not None:
            return Killed(already_terminated=True, preserved=seen.facts.cleaned.preserved or None)
        await self._store.write(lambda tx: _kill(tx, name))
        cleaned = await self._cleaned(name)
        return Killed(
            already_terminated=not seen.session.live, preserved=cleaned.preserved or None if cleaned else None
        )

    async def _cleaned(self, name: str) -> Cleaned | None:
        """Wait a while until a session is cleaned up; None if that takes longer."""
        with self._store.listening(name) as news, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLEANED_WITHIN):
                while self._look(name).facts.cleaned is None:
                    await news.wait()
                    news.clear()
        return self._look(name).facts.cleaned

    async def send(self, name: str, text: str, *, author: str | None, wait: bool, patience: float | None) -> Sent:
        """Commit a message and, with `wait`, watch until the agent has taken it in or `patience` is over."""
        seen = self._look(name)
        if not seen.session.live:
            raise UserError(NOT_LIVE.format(name=name, status=seen.session.announced_status))
        identity = await self._store.write(lambda tx: _queue(tx, name, text, author or "person"))
        if wait:
            default = self._parts.projects[seen.session.project].times.send_wait
            await self._watch_message(identity, default if patience is None else patience)
        message = self._store.read(lambda sql: messages.get(sql, identity))
        state = message.state if message else FAILED
        result = "queued" if state == QUEUED else "unconfirmed" if state in (PASTED, FAILED) else "processing"
        return Sent(message_id=identity, result=result)  # type: ignore[arg-type]  # one of three literals

    async def _watch_message(self, identity: int, patience: float) -> None:
        with self._store.listening(f"message:{identity}") as news:
            try:
                async with asyncio.timeout(patience):
                    while self._waits(identity):
                        await news.wait()
                        news.clear()
            except TimeoutError:
                return

    def _waits(self, identity: int) -> bool:
        message = self._store.read(lambda sql: messages.get(sql, identity))
        return message is not None and message.waiting

    def deliveries(self, *, state: str | None, limit: int) -> list[DeliveryView]:
        """Return the newest deliveries, newest first."""
        return [delivery_view(entry) for entry in deliveries.listing(self._store, state=state, limit=limit)]

    def delivery(self, guid: str) -> DeliveryDetail:
        """Return one delivery with its handlers and records."""
        return delivery_detail(self._store, guid)

    async def replay(self, guid: str, *, force: bool) -> DeliveryView:
        """Queue a delivery again; `force` also repeats stories that had finished."""
        self.delivery(guid)
        return delivery_view(await deliveries.replay(self._store, guid, force=force))

    def status(self) -> ServiceStatus:
        """Return what the service is doing."""
        states = deliveries.count_by_state(self._store)
        working = [ProjectStatus(id=one.id, repo=one.repo) for one in self._parts.projects.values()]
        failing = [ProjectStatus(id=name, repo="", problems=list(why)) for name, why in self._broken.items()]
        return ServiceStatus(
            version=version("agent-orchestrator"), pid=os.getpid(), started_at=iso(self._started),
            projects=[*working, *failing], live_sessions=len(self._store.read(sessions.listing)),
            open_deliveries=states.get("queued", 0) + states.get("running", 0), dead_deliveries=states.get("dead", 0),
            api_calls=self._parts.hub.meter.calls,
        )  # fmt: skip

    def records(self, *, after: int, limit: int) -> list[RecordView]:
        """Return the next records after an id, oldest first."""
        return record_views(self._store, after=after, limit=limit)

    def newest_record(self) -> int:
        """Return the id of the newest record, 0 when there is none."""
        return records.newest(self._store)

    async def records_changed(self, *, after: int) -> None:
        """Wait until there is a record with a greater id; may return early."""
        with self._store.listening("records") as news:
            if self.newest_record() <= after:
                await news.wait()

    async def not_ready(self) -> list[str]:
        """Return why the service cannot work now."""
        try:
            await self._store.prove_writable()
            await self._parts.tmux.panes()
        except (TmuxUnavailable, StoreBusy, OSError) as exc:
            return [str(exc)]
        return []

    def figures(self) -> Iterable[Figure]:
        """Return the values for Prometheus."""
        return figures(self._parts, self.status())


def _threads(seen: Look) -> int | None:
    if seen.facts.pull_request is None:
        return None
    waiting = [message for message in seen.waiting if message.kind == "review"]
    return sum(len(message.parts.get("comments", ())) for message in waiting)


def _kill(tx: Tx, name: str) -> None:
    facts.learn(tx, name, KilledFact(by="ao session kill"), source="person")
    tx.touched.add(name)


def _queue(tx: Tx, name: str, body: str, author: str) -> int:
    key = f"send:{uuid.uuid4()}"
    return messages.add(tx, name, kind="person", source_key=key, author=author, parts={"body": body}) or 0
