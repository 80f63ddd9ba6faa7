"""Does for agents what they may not do themselves: pushes their branch and opens their pull request.

Every request may come twice, because whoever asks asks again when the service was restarted in between.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from runtime import gh_answers
from runtime.agent_words import AgentWords
from runtime.errands import Errands
from runtime.errors import Permanent, UserError
from runtime.facts import Pushed
from runtime.gate import Gate
from runtime.gate_server import Answer, AoRequest, GateServer, GhRequest, PushRequest, Request
from runtime.launch import LaunchPlace
from runtime.look import Look, look
from runtime.outsiders import Trusts
from runtime.ports import Forge
from runtime.sessions import Session
from runtime.store import facts, outbox, sessions
from runtime.store.store import Store
from runtime.store.tx import Tx
from runtime.visible import plain
from runtime.workspaces import Workspaces

log = logging.getLogger(__name__)

EXISTS = 'a pull request for branch "{branch}" already exists:\n{url}'
NOTHING_PUSHED = "Push the branch first: run `git push origin HEAD:{branch}`, then `gh pr create` again."
NO_TITLE = "A pull request needs a title: add --title."
ENDED = "This session has ended ({status}); nothing can be pushed from it any more."
READ_ONLY = "This is the orchestrator: it changes no code. Start a worker for it with `ao spawn --prompt TEXT`."
NOT_OPENED = "The pull request could not be opened: {error}"


class Desk:
    """One gate and one socket for each session whose agent may run."""

    def __init__(
        self,
        store: Store,
        workspaces: Workspaces,
        forge: Forge,
        launch_root: Path,
        *,
        python: str,
        outcome: Callable[[str], Awaitable[dict[str, Any]]],
        trusts: Trusts,
        errands: Errands,
    ) -> None:
        """`outcome` waits until a row of the outbox is sent and returns what the forge made of it."""
        self._store = store
        self._workspaces = workspaces
        self._forge = forge
        self._launch_root = launch_root
        self._python = python
        self._outcome = outcome
        self._trusts = trusts
        self._words = AgentWords(store, errands, self.place)
        self._gates: dict[str, Gate] = {}
        self._servers: dict[str, GateServer] = {}

    async def open(self, session_id: str) -> None:
        """Make the session's gate and listen at it; nothing happens when it is open."""
        if session_id in self._servers:
            return
        session = self._look(session_id).session
        place = self._launch_root / session_id
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        repository = self._workspaces.repository(session)
        gate = Gate(place, repository, own_branch=session.branch, default_branch=session.base)
        await gate.ensure(self._python)

        async def answer(request: Request) -> Answer:
            return await self._answer(session_id, request)

        server = GateServer(place, answer, freshen=gate.freshen)
        await server.start()
        self._gates[session_id], self._servers[session_id] = gate, server

    async def close(self, session_id: str) -> None:
        """Stop listening; nothing happens when it is not open."""
        self._gates.pop(session_id, None)
        if server := self._servers.pop(session_id, None):
            await server.close()

    async def close_all(self) -> None:
        """Stop listening everywhere, because the service ends."""
        for session_id in list(self._servers):
            await self.close(session_id)

    def place(self, session_id: str) -> LaunchPlace:
        """Return the directory that the session's agent was launched from."""
        return LaunchPlace(self._launch_root / session_id)

    async def _answer(self, session_id: str, request: Request) -> Answer:
        seen = self._look(session_id)
        if isinstance(request, AoRequest):
            return await self._words.answer(seen.session, request)
        if not seen.session.live:
            return Answer.refused(ENDED.format(status=seen.session.announced_status))
        answer = await self._done(seen, request)
        if not answer.ok:
            await self._store.write(lambda tx: _record_refusal(tx, session_id, request, answer.text))
        return answer

    async def _done(self, seen: Look, request: PushRequest | GhRequest) -> Answer:
        if seen.session.role == "orchestrator" and _changes_code(request):
            return Answer.refused(READ_ONLY)
        try:
            if isinstance(request, PushRequest):
                return await self._push(seen.session, request)
            return await self._gh(seen, request)
        except (UserError, Permanent) as told:
            return Answer.refused(str(told))

    async def _gh(self, seen: Look, request: GhRequest) -> Answer:
        if request.command == "pr create":
            return await self._create(seen, request)
        return await gh_answers.answer(self._forge, self._trusts, seen.session, seen.facts, request)

    async def _push(self, session: Session, request: PushRequest) -> Answer:
        """Forward a push; its commits lead to the session before the forge can send anything about them."""
        for update in request.updates:
            where = f"sha:{session.repo.lower()}@{update.new}"
            await self._store.write(lambda tx, where=where: sessions.address(tx, session.id, where))  # type: ignore[misc]  # mypy does not infer a lambda with a default
        gate = self._gates[session.id]
        gate.serve(session.branch)
        answer = await gate.receive(request, await self._forge.remote(session.repo))
        if answer.ok:
            fact = Pushed(sha=request.updates[0].new)
            await self._store.write(lambda tx: facts.learn(tx, session.id, fact, source="gate"))
        return answer

    async def _create(self, seen: Look, request: GhRequest) -> Answer:
        """Open the session's pull request through the outbox; the same request again finds its own row there."""
        session, options, known = seen.session, request.options, seen.facts.pull_request
        key = f"{session.repo}:pull_request:{session.id}:{request.id}"
        asked_before = self._store.read(lambda sql: outbox.find(sql, key)) is not None
        if known is not None and known.state == "open" and not asked_before:
            return Answer.refused(EXISTS.format(branch=session.branch, url=known.url))
        if not seen.facts.pushed:
            raise UserError(NOTHING_PUSHED.format(branch=session.branch))
        if not options.get("title"):
            raise UserError(NO_TITLE)
        payload = {
            "head": session.branch, "base": str(options.get("base") or session.base),
            "title": plain(str(options["title"])), "body": plain(str(options.get("body", ""))),
            "draft": bool(options.get("draft")),
        }  # fmt: skip
        await self._store.write(lambda tx: _ask(tx, session, key, payload))
        try:
            made = await self._outcome(key)
        except Permanent as exc:
            return Answer.refused(NOT_OPENED.format(error=exc))
        url, number = str(made["url"]), int(made["number"])
        await self._store.write(lambda tx: sessions.address(tx, session.id, f"pr:{session.repo.lower()}#{number}"))
        return Answer.done(url)

    def _look(self, session_id: str) -> Look:
        seen = self._store.read(lambda sql: look(sql, session_id))
        if seen is None:
            raise UserError(f"there is no session {session_id}")
        return seen


def _changes_code(request: PushRequest | GhRequest) -> bool:
    return isinstance(request, PushRequest) or request.command in ("pr create", "pr edit")


def _ask(tx: Tx, session: Session, key: str, payload: Mapping[str, object]) -> None:
    asked = dict(payload)
    outbox.enqueue(tx, key=key, kind="pull_request", repo=session.repo, payload=asked, session_id=session.id)


def _record_refusal(tx: Tx, session_id: str, request: PushRequest | GhRequest, told: str) -> None:
    tx.source = "gate"
    if isinstance(request, GhRequest):
        said = f"{session_id}: `gh {request.command}` refused: {told}"
        tx.record("gh_refused", said, session_id=session_id, command=request.command, told=told)
        return
    refs = ", ".join(update.ref.removeprefix("refs/heads/") for update in request.updates)
    said = f"{session_id}: push to {refs} refused: {told}"
    commits = [update.new for update in request.updates]
    tx.record("push_refused", said, session_id=session_id, refs=refs, commits=commits, told=told)
