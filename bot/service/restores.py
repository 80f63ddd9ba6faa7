"""Brings ended sessions back, for people and scripts."""

import asyncio
import contextlib

from bot.api.restores import Restored
from bot.parts import Parts
from bot.service.seen import seen
from runtime.errors import UserError
from runtime.look import Look
from runtime.restore import bring_back_if_gone, why_not
from runtime.store.restores import REOPENED

STARTED_WITHIN = 20.0
PERSON = "a person"
CANNOT = "Cannot restore: {why}."
NOT_STARTED = "Session {name} could not be started again. Step {step} failed: {error}"


class Restores:
    """Implements `bot.api.restores.RestoresPort`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    async def restore(self, name: str, *, force: bool, by: str | None) -> Restored:
        """Bring an ended session back and wait until its agent runs, for a while; it may wait for a free slot."""
        found = seen(self._parts, name)
        if why := why_not(found, force=force):
            raise UserError(CANNOT.format(why=why))
        await self._find_branch(found)
        await self._store.write(lambda tx: bring_back_if_gone(tx, name, by=by or PERSON, force=force))
        return self._answer(await self._started(name))

    async def _find_branch(self, found: Look) -> None:
        """Raise `WorkspaceMissing` while nothing has been changed yet."""
        workspaces, session = self._parts.workspaces, found.session
        if "workspace" in found.steps and not workspaces.worktree(session).exists():
            merged = session.announced_status == "merged"
            await workspaces.tip(session, merged=merged, pushed=bool(found.facts.pushed))

    async def _started(self, name: str) -> Look:
        with self._store.listening(name) as news, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STARTED_WITHIN):
                while not self._is_settled(seen(self._parts, name)):
                    await news.wait()
                    news.clear()
        return seen(self._parts, name)

    @staticmethod
    def _is_settled(now: Look) -> bool:
        """Tell whether the agent runs, or certainly will not for now; one that resumes has to say a word first."""
        back = now.facts.restored
        if now.facts.spawn_failed or now.facts.killed or now.session.queue_position:
            return True
        resumes = back is not None and back.how == "resumed"
        return now.facts.spawned and (not resumes or now.facts.turn is not None)

    def _answer(self, now: Look) -> Restored:
        session, back, failed = now.session, now.facts.restored, now.facts.spawn_failed
        if failed is not None:
            raise UserError(NOT_STARTED.format(name=session.id, step=failed.step, error=failed.error))
        return Restored(
            name=session.id, branch=session.branch, workspace_path=str(self._parts.workspaces.worktree(session)),
            attach_command=self._parts.tmux.attach_command(session.id), resumed=bool(back and back.how == "resumed"),
            restore_fallback_reason=(back.why_fresh or None) if back else None,
            replayed=now.steps.get(REOPENED, {}).get("replayed") or None, queue_position=now.session.queue_position,
        )  # fmt: skip
