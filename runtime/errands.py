"""What an agent may ask about sessions with the `ao` in its PATH: see its own, talk to them, start some.

An agent's word is never a command to the bot: it reaches the sessions around its own and nothing else. A worker sees
its parent, its children and the project's orchestrator; the orchestrator sees the whole project.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from runtime import children, claims
from runtime.errors import UserError
from runtime.inbox import OF_SESSION
from runtime.preflight import Order
from runtime.project import Project
from runtime.sessions import Session
from runtime.store import messages, orchestrators, sessions
from runtime.store.store import Store
from runtime.store.tx import Tx
from runtime.wish import Wish

Ordered = Callable[[Wish], Awaitable[Order]]
MayWrite = Callable[[str, str], Awaitable[bool]]

NOT_NEAR = "There is no session {name} that you can reach; `ao status` lists those you can."
EMPTY = "Say what: ao {command}"
ONLY_TASKS = "Only the orchestrator starts sessions on issues: say what the child should do with --prompt TEXT."
OUTSIDER = "Issue #{issue} was written by {author}, who has no write permission: ask a person to label it."
STARTED = "SESSION={name}"
SENT = "Message to {name} queued."


class Near(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A session as another one sees it."""

    name: str
    status: str
    branch: str
    title: str
    issue_id: str | None
    role: str


class Errands:
    """Does what one session's agent asks; everything is in the store when it returns."""

    def __init__(self, store: Store, projects: Mapping[str, Project], *, ordered: Ordered, may_write: MayWrite) -> None:
        """`ordered` checks a wish against the forge, before anything is made."""
        self._store = store
        self._projects = projects
        self._ordered = ordered
        self._may_write = may_write

    def near(self, session: Session) -> list[Session]:
        """Return the live sessions that this one can reach, oldest first."""
        live = self._store.read(lambda sql: sessions.listing(sql, project=session.project))
        if session.role == "orchestrator":
            return [other for other in live if other.id != session.id]
        reach = (session.parent, *(other.id for other in live if other.parent == session.id))
        return [other for other in live if other.id in reach or other.role == "orchestrator"]

    def status(self, session: Session, *, as_json: bool) -> str:
        """Return what the sessions around this one are doing, a line each or as JSON."""
        seen = [_near(one) for one in (session, *self.near(session))]
        if as_json:
            return msgspec.json.format(msgspec.json.encode(seen)).decode()
        return "\n".join(f"{one.name}  [{one.status}]  {one.branch}  {one.title}" for one in seen)

    async def send(self, session: Session, name: str, text: str, *, id: str) -> str:
        """Put a message into the inbox of a session nearby, once per `id`; one that is away gets it when it is back."""
        if not text.strip():
            raise UserError(EMPTY.format(command="send SESSION TEXT"))
        if name != session.parent and name not in {other.id for other in self.near(session)}:
            raise UserError(NOT_NEAR.format(name=name))
        await self._store.write(lambda tx: _tell(tx, session, name, text, f"session:{session.id}:{id}"))
        return SENT.format(name=name)

    async def spawn(self, session: Session, wish: Wish, *, id: str) -> str:
        """Start a session, once per `id`: a worker's is its child, the orchestrator's stands alone.

        Issues are for the orchestrator, and only those whose author's words count anyway.
        """
        if wish.issue is not None and session.role != "orchestrator":
            raise UserError(ONLY_TASKS)
        order = await self._ordered(wish)
        if order.issue is not None and not await self._may_write(session.repo, order.author):
            raise UserError(OUTSIDER.format(issue=order.issue, author=order.author or "nobody known"))
        name = await self._store.write(lambda tx: _start(tx, session, self._projects[session.project], order, id))
        return STARTED.format(name=name)


def _near(session: Session) -> Near:
    issue = None if session.issue is None else str(session.issue)
    return Near(
        name=session.id, status=session.announced_status, branch=session.branch, title=session.title, issue_id=issue,
        role=session.role,
    )  # fmt: skip


def _tell(tx: Tx, session: Session, name: str, text: str, key: str) -> None:
    messages.add(tx, name, kind=OF_SESSION, source_key=key, author=session.id, parts={"body": text})


def _start(tx: Tx, session: Session, project: Project, order: Order, id: str) -> str:
    step = f"spawned:{id}"
    if (done := sessions.steps(tx.sql, session.id).get(step)) is not None:
        return str(done["session"])
    if session.role == "orchestrator":
        made = claims.claim(tx, order)
    else:
        made = children.start(tx, session, project, title=order.title, task=order.task, agent=order.agent)
    sessions.step_done(tx, session.id, step, session=made.id)
    return made.id


def orchestrator_of(store: Store, project: str) -> Session | None:
    """Return the project's live orchestrator, for workers to be told of."""
    found = store.read(lambda sql: orchestrators.of_project(sql, project))
    return found if found is not None and found.live else None
