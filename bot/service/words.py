"""Takes in what people and agents say about sessions."""

import uuid
from functools import partial
from typing import Literal

from bot.api.words import Remapped, Reported, ReportLine
from bot.parts import Parts
from bot.service.seen import seen
from bot.service.sessions import Sessions
from runtime import own_id, reports
from runtime.agents import named
from runtime.display import tidy
from runtime.errors import UserError, WrongUse
from runtime.said import Noted
from runtime.store import facts, sessions
from runtime.store import reports as report_rows
from runtime.view import SessionView, iso

KEEPS_NONE = "{agent} keeps no session id of its own, so there is nothing to remap for {name}."
NEVER_SAID = "{name}: {agent} has not said its session id yet; try again when it has taken in a prompt."
INVISIBLE = "The name has nothing to see in it: write another, or take it back with `ao session rename {name} --clear`."


class Words:
    """Implements `bot.api.words.WordsPort`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    async def rename(self, name: str, display_name: str) -> SessionView:
        """Give a session the name that people read; an empty one takes it back."""
        seen(self._parts, name)
        wanted = tidy(display_name)
        if display_name.strip() and not wanted:
            raise WrongUse(INVISIBLE.format(name=name))
        said = Noted(key="displayName", value=wanted, by="ao session rename")
        await self._store.write(lambda tx: facts.learn(tx, name, said, source="person"))
        return Sessions(self._parts).get(name)

    async def report(self, name: str, state: str | None, note: str) -> Reported:
        """Take in what is reported of a session; without a state it is an acknowledgement."""
        session = seen(self._parts, name).session
        if state is not None:
            reports.state_of(state)
        what: Literal["report", "acknowledge"] = "acknowledge" if state is None else "report"
        said = reports.Said(id=str(uuid.uuid4()), what=what, state=state or "", note=note)
        await self._store.write(partial(reports.take, session=session, said=said, source="person"))
        told = self._store.read(lambda sql: report_rows.of_id(sql, name, said.id))
        assert told is not None  # noqa: S101 - it has just been committed
        verdict = reports.verdict(name, what, told.state, told.before, told.after, told.reason or None)
        if not verdict.accepted:
            raise UserError(verdict.text)
        return Reported(accepted=True, text=verdict.text)

    def reports(self, name: str | None, *, limit: int) -> list[ReportLine]:
        """Return the newest reports of one session, or of each session there is, oldest first."""
        if name is not None:
            names = [seen(self._parts, name).session.id]
        else:
            stored = self._store.read(lambda sql: sessions.listing(sql, live_only=False))
            names = [session.id for session in stored if session.project in self._parts.projects]
        found = self._store.read(lambda sql: report_rows.newest(sql, names, limit=limit))
        return [_line(one) for one in found]

    async def remap(self, name: str, *, force: bool) -> Remapped:
        """Read again what the agent has pushed since its start, and take the id that it said last."""
        found = seen(self._parts, name)
        agent = named(found.session.agent)
        if not agent.capabilities.has_own_id:
            raise UserError(KEEPS_NONE.format(agent=agent.name, name=name))
        before = found.facts.agent_info.native_id if found.facts.agent_info else ""
        said = own_id.said_in(self._parts.desk.place(name).pushes, agent, now=self._store.clock())
        if not said and (force or not before):
            await self._store.write(partial(own_id.learn, name=name, own="", source="person"))
            raise UserError(NEVER_SAID.format(agent=agent.name, name=name))
        await self._store.write(partial(own_id.learn, name=name, own=said or before, source="person"))
        return Remapped(agent_session_id=said or before, before=before or None, found=bool(said))


def _line(one: report_rows.Reported) -> ReportLine:
    return ReportLine(
        at=iso(one.at), session_id=one.session_id, what=one.what, state=one.state, note=one.note,
        accepted=one.accepted, reason=one.reason, before=one.before, after=one.after, pr=one.pr, source=one.source,
    )  # fmt: skip
