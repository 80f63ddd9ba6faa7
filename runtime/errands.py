"""What an agent may ask about sessions with the `ao` in its PATH: see its own, talk to them, start some.

An agent's word is never a command to the bot: it reaches the sessions around its own and nothing else. A worker sees
its parent, its children and the project's orchestrator; the orchestrator sees the whole project.
"""

import uuid
from collections.abc import Mapping

import msgspec

from runtime import children
from runtime.errors import UserError
from runtime.inbox import OF_SESSION
from runtime.project import Project
from runtime.sessions import Session
from runtime.store import messages, orchestrators, sessions
from runtime.store.store import Store
from runtime.store.tx import Tx

LONGEST_TASK = 4096
NOT_NEAR = "There is no session {name} that you can reach; `ao status` lists those you can."
EMPTY = "Say what: ao {command}"
TOO_LONG = "The task is longer than {limit} characters: put the details into a file of the repository and name it."
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

    def __init__(self, store: Store, projects: Mapping[str, Project]) -> None:
        self._store = store
        self._projects = projects

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

    async def send(self, session: Session, name: str, text: str) -> str:
        """Put a message into the inbox of a session nearby; one that is away gets it when it is back."""
        if not text.strip():
            raise UserError(EMPTY.format(command="send SESSION TEXT"))
        if name != session.parent and name not in {other.id for other in self.near(session)}:
            raise UserError(NOT_NEAR.format(name=name))
        key = f"session:{uuid.uuid4()}"
        await self._store.write(lambda tx: _tell(tx, session, name, text, key))
        return SENT.format(name=name)

    async def spawn(self, session: Session, task: str, *, agent: str | None = None) -> str:
        """Start a session for a task in words: a worker's is its child, the orchestrator's stands alone."""
        if not task.strip():
            raise UserError(EMPTY.format(command="spawn --prompt TEXT"))
        if len(task) > LONGEST_TASK:
            raise UserError(TOO_LONG.format(limit=LONGEST_TASK))
        project = self._projects[session.project]
        made = await self._store.write(lambda tx: _start(tx, session, project, task, agent))
        return STARTED.format(name=made.id)


def _near(session: Session) -> Near:
    issue = None if session.issue is None else str(session.issue)
    return Near(
        name=session.id, status=session.announced_status, branch=session.branch, title=session.title, issue_id=issue,
        role=session.role,
    )  # fmt: skip


def _tell(tx: Tx, session: Session, name: str, text: str, key: str) -> None:
    messages.add(tx, name, kind=OF_SESSION, source_key=key, author=session.id, parts={"body": text})


def _start(tx: Tx, session: Session, project: Project, task: str, agent: str | None) -> Session:
    title = " ".join(next(line for line in task.splitlines() if line.strip()).lstrip("#").split())[:80]
    if session.role != "orchestrator":
        return children.start(tx, session, project, title=title, task=task, agent=agent)
    made = sessions.claim(
        tx, project=project.id, prefix=project.session_prefix, repo=session.repo, issue=None, title=title, task=task,
        agent=agent or project.agent, base=session.base, asked_by=session.id,
    )  # fmt: skip
    assert made is not None  # noqa: S101 - only a claimed issue can be taken
    return made


def orchestrator_of(store: Store, project: str) -> Session | None:
    """Return the project's live orchestrator, for workers to be told of."""
    found = store.read(lambda sql: orchestrators.of_project(sql, project))
    return found if found is not None and found.live else None
