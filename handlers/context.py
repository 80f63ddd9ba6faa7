"""What a story is given: the delivery, and a context that collects what should happen.

Nothing a story asks for happens while it runs. The worker commits all of it, with the story's done-mark, in one
transaction; tmux, git and GitHub act from the committed rows.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from runtime import claims
from runtime.errors import Permanent, UserError
from runtime.fact import Fact
from runtime.facts import Facts, Killed
from runtime.ports import Forge, Pull
from runtime.preflight import Order
from runtime.project import Project
from runtime.sessions import Session
from runtime.store import facts as fact_rows
from runtime.store import messages, outbox, sessions
from runtime.store.tx import Op, Tx

T = TypeVar("T")

FindProgram = Callable[[Project, str], object]
"""Raises `UserError` where a project's sessions would not find the program of the agent of this name."""

NOT_INSTALLED = "No session was started: {problem}. Do that on the machine the bot runs on, then ask again here."


class People(Protocol):
    """Whose words count."""

    async def may_write(self, repo: str, login: str) -> bool:
        """Tell whether the person has write permission now; raises `Retryable` when the forge cannot say."""
        ...

    async def is_own(self, login: str, body: str) -> bool:
        """Tell whether the bot itself wrote this."""
        ...

    async def is_mentioned(self, body: str) -> bool:
        """Tell whether the text names the bot with an @."""
        ...


class Delivery:
    """One delivery, as a story sees it."""

    def __init__(self, *, id: int, guid: str, event: str, body: bytes) -> None:
        self.id = id
        self.guid = guid
        self.event = event
        self.body = body
        self.skip_reason: str | None = None

    def view(self, shape: type[T]) -> T:
        """Return the parts of the payload that `shape` names.

        Raises:
            Permanent: the payload lacks them, so another try would end the same way.

        """
        try:
            return msgspec.json.decode(self.body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise Permanent(f"{self.event} payload of an unexpected shape: {exc}") from exc

    def skip(self, reason: str) -> None:
        """Do nothing about this delivery, and remember why."""
        self.skip_reason = reason


class Context:
    """The project and session a delivery is about, what may be asked, and what should happen."""

    def __init__(
        self,
        *,
        project: Project,
        session: Session | None,
        facts: Facts | None,
        forge: Forge,
        people: People,
        find_program: FindProgram,
        now: float,
    ) -> None:
        self.project = project
        self.repo = project.repo
        self.session = session
        self.facts = facts
        self.forge = forge
        self.people = people
        self._find_program = find_program
        self.now = now
        self.ops: list[Op] = []

    def do(self, op: Op) -> None:
        """Let `op` run in the story's transaction."""
        self.ops.append(op)

    def claim(self, *, issue: int, title: str, task: str, agent: str, base: str, asked_by: str) -> None:
        """Start a session for an issue; nothing happens if it has a live one by then.

        What an agent that died has left to be looked at is cleared away. `UserError` if the agent is not installed.
        """
        self._require(agent)

        def op(tx: Tx) -> None:
            project = self.project
            claimed = sessions.claim(
                tx, project=project.id, prefix=project.session_prefix, repo=project.repo, issue=issue, title=title,
                task=task, agent=agent, base=project.default_branch or base, asked_by=asked_by,
            )  # fmt: skip
            for old in sessions.left_behind(tx.sql, claimed) if claimed else ():
                fact_rows.learn(tx, old, Killed(by=asked_by, reason="superseded"), source="github")

        self.do(op)

    def claim_pull(self, pull: Pull, *, task: str, base: str, asked_by: str) -> None:
        """Start a session that goes on with an open pull request; `Taken` if another works on its branch by then.

        `UserError` if the project's agent is not installed.
        """
        self._require(self.project.agent)
        order = Order(
            project=self.project, issue=None, title=" ".join(pull.now.title.split()), task=task,
            agent=self.project.agent, model=None, base=self.project.default_branch or base,
            branch=pull.now.head_ref, pull=pull, by=asked_by,
        )  # fmt: skip
        self.do(lambda tx: claims.claim(tx, order))

    def _require(self, agent: str) -> None:
        try:
            self._find_program(self.project, agent)
        except UserError as exc:
            raise UserError(NOT_INSTALLED.format(problem=exc)) from exc

    def learn(self, fact: Fact) -> None:
        """Store a fact about the session."""
        name = self._session.id
        self.do(lambda tx: fact_rows.learn(tx, name, fact, source="github"))

    def address(self, where: str) -> None:
        """Let later deliveries about `where` find the session."""
        name = self._session.id
        self.do(lambda tx: sessions.address(tx, name, where))

    def tell(self, *, kind: str, key: str, author: str, parts: dict[str, Any], not_before: float = 0.0) -> None:
        """Queue a message to the agent; a key that was queued before changes nothing."""
        name = self._session.id

        def op(tx: Tx) -> None:
            messages.add(tx, name, kind=kind, source_key=key, author=author, parts=parts, not_before=not_before)

        self.do(op)

    def react(self, subject: str, number: int, content: str = "eyes") -> None:
        """React to an issue, an issue comment or a review comment."""
        self._send("reaction", f"reaction:{subject}:{number}:{content}", subject=subject, id=number, content=content)

    def comment(self, number: int, body: str, *, key: str) -> None:
        """Comment on an issue or pull request, once per key."""
        self._send("comment", key, number=number, body=body)

    def _send(self, kind: str, key: str, **payload: Any) -> None:
        repo, name = self.repo, self.session.id if self.session else None
        self.do(
            lambda tx: outbox.enqueue(tx, key=f"{repo}:{key}", kind=kind, repo=repo, payload=payload, session_id=name)
        )

    @property
    def _session(self) -> Session:
        if self.session is None:
            raise Permanent("a story needs a session and there is none")
        return self.session
