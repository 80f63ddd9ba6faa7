"""Answers the `ao` that agents have in their PATH: reports about themselves, and errands to sessions nearby."""

from collections.abc import Callable, Mapping
from functools import partial

from runtime import reports
from runtime.errands import Errands
from runtime.gate_server import Answer, AoRequest
from runtime.ingest import ingest
from runtime.launch import LaunchPlace
from runtime.reports import Said
from runtime.sessions import Session
from runtime.store import reports as report_rows
from runtime.store.store import Store
from runtime.wish import Wish

ENDED = "This session has ended ({status}); it can reach no other any more."
UNKNOWN = "ao here cannot {command}; it can: report, acknowledge, status, send, spawn."


class AgentWords:
    """One for all sessions."""

    def __init__(self, store: Store, errands: Errands, place: Callable[[str], LaunchPlace]) -> None:
        self._store = store
        self._errands = errands
        self._place = place

    async def answer(self, session: Session, request: AoRequest) -> Answer:
        """Do what the session's agent asks; a UserError says why not."""
        options = request.options
        if request.command in ("report", "acknowledge"):
            return await self._reported(session, request)
        if not session.live:
            return Answer.refused(ENDED.format(status=session.announced_status))
        if request.command == "status":
            return Answer.done(self._errands.status(session, as_json=bool(options.get("json"))))
        if request.command == "send":
            to, text = str(options.get("session", "")), str(options.get("text", ""))
            return Answer.done(await self._errands.send(session, to, text, id=request.id))
        if request.command == "spawn":
            return Answer.done(await self._errands.spawn(session, _wish(session, options), id=request.id))
        return Answer.refused(UNKNOWN.format(command=" ".join(request.command.split())[:40]))

    async def _reported(self, session: Session, request: AoRequest) -> Answer:
        """Take in what was pushed and say what became of it; what was asked here only is taken in from here."""
        await ingest(self._store, session.id, self._place(session.id).pushes)
        if (known := self._known(session.id, request.id)) is None:
            said = Said(
                id=request.id, what="report" if request.command == "report" else "acknowledge",
                state=str(request.options.get("state", "")), note=str(request.options.get("note", "")),
            )  # fmt: skip
            await self._store.write(partial(reports.take, session=session, said=said, source="push"))
            known = self._known(session.id, request.id)
        if known is None:
            return Answer.refused(reports.REJECTED.format(reason="it was not stored"))
        return Answer.done(known.text) if known.accepted else Answer.refused(known.text)

    def _known(self, name: str, id: str) -> reports.Verdict | None:
        found = self._store.read(lambda sql: report_rows.of_id(sql, name, id))
        if found is None:
            return None
        return reports.verdict(name, found.what, found.state, found.before, found.after, found.reason or None)


def _wish(session: Session, options: Mapping[str, str | bool]) -> Wish:
    """Return what the agent asks for; what it starts without naming an agent is played by the same one."""
    given = {name: str(options[name]) for name in ("issue", "prompt", "agent") if options.get(name)}
    return Wish(
        project=session.project, issue=given.get("issue"), prompt=given.get("prompt"),
        agent=given.get("agent", session.agent), by=session.id,
    )  # fmt: skip
