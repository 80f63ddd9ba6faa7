"""Looks at sessions and ends them, for people and scripts."""

import asyncio
import contextlib

from bot.api.sessions import Killed
from bot.parts import Parts
from bot.service.seen import seen
from runtime.facts import Cleaned
from runtime.facts import Killed as KilledFact
from runtime.look import Look, look, looks
from runtime.status import activity
from runtime.store import facts, records, sessions
from runtime.store.records import Want
from runtime.store.tx import Tx
from runtime.view import SessionView, view

CLEANED_WITHIN = 20.0


class Sessions:
    """Implements `bot.api.sessions.SessionsPort`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    def listing(self, *, project: str | None, ended: bool) -> tuple[list[SessionView], int]:
        """Return the sessions, oldest first, and how many ended ones were left out."""
        chosen = [name for name in self._parts.projects if project in (None, name)]
        found, hidden = self._store.read(
            lambda sql: (
                looks(sql, projects=chosen, live_only=not ended),
                0 if ended else sessions.count_ended(sql, chosen),
            )
        )
        return [self._view(one) for one in found], hidden

    def get(self, name: str) -> SessionView:
        """Return one session."""
        return self._view(seen(self._parts, name))

    def _view(self, found: Look) -> SessionView:
        session, worktree = found.session, self._parts.workspaces.worktree(found.session)
        times = self._parts.projects[session.project].times
        return view(
            session, found.facts, status=session.announced_status, reason=session.announced_reason,
            activity=activity(found.facts, self._store.clock(), times), pending_threads=_threads(found),
            workspace_path=str(worktree) if worktree.exists() else None,
            attach_command=self._parts.tmux.attach_command(session.id) if facts.SPAWNED in found.steps else None,
            terminal=found.steps.get(facts.SPAWNED),
        )  # fmt: skip

    async def kill(self, name: str, *, reason: str | None, by: str | None) -> Killed:
        """End a session; its worktree goes a moment later, what was not pushed is kept."""
        found = seen(self._parts, name)
        was_over = not found.session.live
        cleaned = found.facts.cleaned
        if cleaned is None:
            fact = KilledFact(by=by or "ao session kill", why=reason or "")
            cleaned = await end_and_wait(self._parts, name, fact)
        known = cleaned or Cleaned(left=why_not_cleaned(self._parts, name))
        return Killed(
            already_terminated=was_over, cleaned=cleaned is not None and not cleaned.left,
            preserved=known.preserved or None, repository=known.repository or None, left=known.left or None,
        )  # fmt: skip


def why_not_cleaned(parts: Parts, name: str) -> str:
    """Return what stops an ended session from being cleaned up, or nothing while it only takes long."""
    want = Want(session=name, kinds=("keeper_failed",), since=seen(parts, name).session.ended_at)
    failed = parts.store.read(lambda sql: records.listing(sql, want, limit=1))
    return str(failed[0].data.get("why", "")) if failed else ""


async def end_and_wait(parts: Parts, name: str, fact: KilledFact) -> Cleaned | None:
    """End a session and wait a while until it is cleaned up; None if that takes longer."""
    await parts.store.write(lambda tx: _end(tx, name, fact))
    with parts.store.listening(name) as news, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLEANED_WITHIN):
            while (cleaned := seen(parts, name).facts.cleaned) is None:
                await news.wait()
                news.clear()
            return cleaned
    return seen(parts, name).facts.cleaned


def _end(tx: Tx, name: str, fact: KilledFact) -> None:
    now = look(tx.sql, name)
    if now is not None and now.facts.killed is None:
        facts.learn(tx, name, fact, source="person")
    tx.touched.add(name)


def _threads(found: Look) -> int | None:
    if found.facts.pull_request is None:
        return None
    waiting = [message for message in found.waiting if message.kind == "review"]
    return sum(len(message.parts.get("comments", ())) for message in waiting)
