"""Gives running sessions a pull request, for people and scripts."""

import asyncio
import re
import secrets

from bot.api.claims import Claimed, ClaimedPull
from bot.parts import Parts
from bot.service.seen import seen
from runtime import claiming
from runtime.claimable import claimable
from runtime.claiming import Ask, Outcome
from runtime.errors import Permanent, Retryable, UserError, WrongUse
from runtime.look import Look, look
from runtime.sessions import Session
from runtime.store.tx import Tx

MOVED_WITHIN = 60.0
ASSIGNED_WITHIN = 10.0
PERSON = "a person"
NOT_A_PULL = "{text!r} is not a pull request: write its number, such as 12, or its address."
OTHER_REPO = "{text} belongs to another repository; {session} works on {repo}."
NOT_READ = "GitHub does not say: {why}"
NOT_MOVED = "{session} is still being given #{number}; look again with: ao explain {session}"
NOBODY = "an App cannot be an assignee, and {session} was not asked for on GitHub"
NOT_YET = "GitHub has not answered yet; it is tried again"

_PULL = re.compile(r"#?([1-9][0-9]{0,8})")
_URL = re.compile(r"https?://[^/\s]+/([^/\s]+/[^/\s]+)/pull/([1-9][0-9]{0,8})(?:[/?#]\S*)?")
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")


class Claims:
    """Implements `bot.api.claims.ClaimsPort`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    async def claim(self, name: str, pull: str, *, assign: bool, by: str | None) -> Claimed:
        """Check what is wanted, let the session's keeper do it, and say what came of it."""
        found = seen(self._parts, name)
        number = _number(pull, found.session)
        _refuse(found)
        try:
            now = await claimable(self._parts.hands.forge, found.session.repo, number)
        except Permanent as exc:
            raise UserError(NOT_READ.format(why=exc)) from exc
        await claiming.check_worktree(self._parts.hands, found, now)
        assignee = await self._assignee(found.session) if assign else ""
        wanted = Ask(key=secrets.token_hex(4), number=number, by=by or PERSON, assignee=assignee)
        done = await self._carried_out(name, wanted)
        error = await self._assigned(found.session, wanted) if assign else None
        return self._answer(seen(self._parts, name), done, assigned=assign and error is None, error=error)

    async def _carried_out(self, name: str, wanted: Ask) -> Outcome:
        def ask(tx: Tx) -> None:
            now = look(tx.sql, name)
            if now is not None:  # sessions stay in the store
                _refuse(now)
                claiming.ask(tx, now.session, wanted)

        with self._store.listening(name) as news:
            await self._store.write(ask)
            try:
                async with asyncio.timeout(MOVED_WITHIN):
                    while (done := self._outcome(name, wanted)) is None:
                        await news.wait()
                        news.clear()
            except TimeoutError:
                raise UserError(NOT_MOVED.format(session=name, number=wanted.number)) from None
        if done.error:
            raise UserError(done.error)
        return done

    def _outcome(self, name: str, wanted: Ask) -> Outcome | None:
        done = claiming.outcome(seen(self._parts, name))
        return done if done is not None and done.key == wanted.key else None

    async def _assignee(self, session: Session) -> str:
        """Return who is assigned: the token's person, or for an App who asked for the session on GitHub."""
        if not self._parts.hub.is_app:
            return (await self._parts.identity.me()).login
        asker = session.asked_by
        return asker if _LOGIN.fullmatch(asker) and not asker.endswith("-") else ""

    async def _assigned(self, session: Session, wanted: Ask) -> str | None:
        """Return why nobody was assigned, or None."""
        if not wanted.assignee:
            return NOBODY.format(session=session.id)
        try:
            async with asyncio.timeout(ASSIGNED_WITHIN):
                await self._parts.sender.wait_for(claiming.assign_key(session, wanted))
        except TimeoutError:
            return NOT_YET
        except (Permanent, Retryable) as exc:
            return str(exc)
        return None

    @staticmethod
    def _answer(now: Look, done: Outcome, *, assigned: bool, error: str | None) -> Claimed:
        pull = next(one for one in now.facts.pull_requests if one.number == done.number)
        return Claimed(
            session_id=now.session.id, project_id=now.session.project, branch=now.session.branch,
            pr=ClaimedPull(number=pull.number, url=pull.url, title=pull.title), branch_changed=done.branch_changed,
            github_assigned=assigned, github_assignment_error=error, taken_over_from=list(done.taken_over_from),
        )  # fmt: skip


def _refuse(found: Look) -> None:
    if why := claiming.why_not(found):
        raise UserError(why)


def _number(text: str, session: Session) -> int:
    if found := _PULL.fullmatch(text.strip()):
        return int(found[1])
    if (found := _URL.fullmatch(text.strip())) is None:
        raise WrongUse(NOT_A_PULL.format(text=text))
    if found[1].lower() != session.repo.lower():
        raise UserError(OTHER_REPO.format(text=text, session=session.id, repo=session.repo))
    return int(found[2])
