"""Clears finished sessions away, for people and scripts."""

import asyncio
import logging

import msgspec

from bot.api.cleanups import CleanedUp, Failed, Passed
from bot.parts import Parts
from bot.service.seen import check, seen
from bot.service.sessions import end_and_wait, why_not_cleaned
from runtime.cleanup import why_finished, why_left
from runtime.errors import AoError, UserError
from runtime.facts import Killed, PullRequest
from runtime.look import Look
from runtime.store import facts, sessions

log = logging.getLogger(__name__)

COMMAND = "ao session cleanup"
UNDER_WAY = "it is being cleared away, which takes longer"


class Cleanups:
    """Implements `bot.api.cleanups.CleanupsPort`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    async def cleanup(self, *, project: str | None, dry_run: bool, by: str | None) -> CleanedUp:
        """Clear away the sessions whose pull request or issue is closed or whose agent is dead, each for itself.

        What GitHub says now counts, because a delivery may have been lost; where it cannot say, the session stays.
        """
        check("project", project, self._parts.projects)
        left = self._store.read(sessions.unfinished)
        names = [one.id for one in left if one.project in self._parts.projects and project in (None, one.project)]
        result = CleanedUp(dry_run=dry_run, killed=[], skipped=[], errors=[])
        await asyncio.gather(*(self._one(name, result, by or COMMAND) for name in names))
        for listed in (result.skipped, result.errors):
            listed.sort(key=lambda one: names.index(one.name))
        result.killed.sort(key=names.index)
        return result

    async def _one(self, name: str, result: CleanedUp, by: str) -> None:
        try:
            found = await self._as_it_is_now(seen(self._parts, name), learn=not result.dry_run)
            if left := why_left(found):
                result.skipped.append(Passed(name=name, reason=left))
                return
            if result.dry_run or await self._end(found, by):
                result.killed.append(name)
            else:
                result.skipped.append(Passed(name=name, reason=UNDER_WAY))
        except (AoError, OSError) as error:
            log.warning("not cleaned up", extra={"session_id": name, "error": str(error)})
            said = f"{name}: not cleaned up: {error}"
            await self._parts.store.write(lambda tx: tx.record("cleanup_failed", said, session_id=name))
            result.errors.append(Failed(name=name, error=str(error)))

    async def _end(self, found: Look, by: str) -> bool:
        """End a session and return whether it is cleaned up by now; raise what stops that."""
        name = found.session.id
        fact = Killed(by=by, reason="auto_cleanup", why=why_finished(found) or "")
        cleaned = await end_and_wait(self._parts, name, fact)
        if why := cleaned.left if cleaned else why_not_cleaned(self._parts, name):
            raise UserError(why)
        return cleaned is not None

    async def _as_it_is_now(self, found: Look, *, learn: bool) -> Look:
        pull = found.facts.pull_request
        if not found.session.live or pull is None or pull.state != "open":
            return found
        try:
            now = await self._parts.hands.forge.pull_request(found.session.repo, pull.number)
        except AoError as error:
            log.info("pull request not looked at", extra={"session_id": found.session.id, "error": str(error)})
            return found
        if learn:
            name = found.session.id
            await self._store.write(lambda tx: facts.learn(tx, name, now, source="github"))
            return seen(self._parts, name)
        return _with(found, now)


def _with(found: Look, now: PullRequest) -> Look:
    """Return what would be known if the pull request were looked at."""
    others = found.facts.pull_requests[1:]
    known = msgspec.structs.replace(found.facts, pull_request=now, pull_requests=(now, *others))
    return msgspec.structs.replace(found, facts=known)
