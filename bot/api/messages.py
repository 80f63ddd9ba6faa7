"""Messages to agents on the interface, and what else people want from an agent at its terminal."""

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import msgspec

from bot.api.operation import Name, Operation
from bot.api.sessions import SESSION
from bot.bounds import LONGEST_WAIT
from runtime.errors import WrongUse

if TYPE_CHECKING:
    from bot.api.port import ServicePort

Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST_WAIT)]


class Sent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a message, as far as the caller wanted to wait; `reason` says why it waits or has failed."""

    message_id: int
    result: Literal["processing", "queued", "unconfirmed", "failed"]
    reason: str = ""
    restored: bool = False
    """The session's agent was gone and has been started again for this."""


class MessageView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message to an agent: who said what, how far it has come, and the evidence for that."""

    id: int
    kind: str
    author: str
    state: Literal["queued", "pasted", "accepted", "answered", "failed"]
    evidence: str
    text: str
    created_at: str
    changed_at: str
    attempts: int


class Interrupted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The agent no longer works on its turn, or was idle already; `message_id` is what it is told next."""

    result: Literal["interrupted", "idle"]
    message_id: int | None = None


class QuestionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an agent asks now; `choices` are numbered from 1. The id is of this asking and of no other."""

    id: str
    text: str
    choices: list[str]
    asked_at: str


class Decided(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was answered, also in the words of the choice that was taken; the agent has gone on."""

    question: str
    allowed: bool
    answer: str = ""
    message_id: int | None = None


class MessagesPort(Protocol):
    """Takes in what people say to agents."""

    async def send(
        self, name: str, text: str, *, author: str | None, wait: bool, patience: float | None, key: str | None,
        expires: float | None,
    ) -> Sent:  # fmt: skip
        """Commit a message and, with `wait`, watch until it is taken in, for `patience` seconds or the `send_wait`.

        A session whose agent is gone is brought back. A `key` that was used before finds that message. After
        `expires` seconds it is given up.
        """
        ...

    def listing(self, name: str) -> list[MessageView]:
        """Return a session's messages, oldest first."""
        ...

    async def interrupt(self, name: str, text: str | None, *, author: str | None, key: str | None) -> Interrupted:
        """Stop the agent's turn, and let it hear `text` first."""
        ...

    def question(self, name: str) -> QuestionView:
        """Return what the agent asks."""
        ...

    async def decide(
        self, name: str, question: str, *, allow: bool, choice: int | None, why: str | None, author: str | None
    ) -> Decided:
        """Answer that question, once; `why` is said to the agent afterwards."""
        ...


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """A text for the agent; `wait` holds the answer until the agent has taken it or `timeout` seconds are over.

    A request that is repeated with the same `key` makes no second message. One that the agent has not taken after
    `expires` seconds is given up.
    """

    text: str
    wait: bool = True
    timeout: Seconds | None = None
    author: str | None = None
    key: str | None = None
    expires: Seconds | None = None


class Interruption(msgspec.Struct, forbid_unknown_fields=True):
    """Stops the agent's turn; `text` is the first thing it hears then, once for each `key`."""

    text: str | None = None
    author: str | None = None
    key: str | None = None


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """Yes or no to the question of this id; `choice` is which of its answers, else the first; `why` goes with a no."""

    question: str
    allow: bool
    choice: Annotated[int, msgspec.Meta(ge=1)] | None = None
    why: str | None = None
    author: str | None = None


async def _send(service: "ServicePort", which: Name, message: Message) -> Sent:
    if not message.text.strip():
        raise WrongUse("The message is empty; send some text.")
    return await service.messages.send(
        which.id, message.text, author=message.author, wait=message.wait, patience=message.timeout, key=message.key,
        expires=message.expires,
    )  # fmt: skip


async def _interrupt(service: "ServicePort", which: Name, wanted: Interruption) -> Interrupted:
    text = (wanted.text or "").strip() or None
    return await service.messages.interrupt(which.id, text, author=wanted.author, key=wanted.key)


async def _decide(service: "ServicePort", which: Name, answer: Answer) -> Decided:
    return await service.messages.decide(
        which.id, answer.question, allow=answer.allow, choice=answer.choice, why=answer.why, author=answer.author
    )


OPERATIONS = (
    Operation("POST", f"{SESSION}/messages", "sendMessage", "Sends a message.", _send, Sent, Name, Message),
    Operation(
        "GET", f"{SESSION}/messages", "listMessages", "The messages to an agent, oldest first.",
        lambda service, which, _: service.messages.listing(which.id), list[MessageView], Name,
    ),
    Operation(
        "POST", f"{SESSION}/interrupt", "interruptSession", "Stops what the agent is doing.", _interrupt, Interrupted,
        Name, Interruption,
    ),
    Operation(
        "GET", f"{SESSION}/question", "getQuestion", "What the agent asks now.",
        lambda service, which, _: service.messages.question(which.id), QuestionView, Name,
    ),
    Operation("POST", f"{SESSION}/decision", "decide", "Answers the agent's question.", _decide, Decided, Name, Answer),
)  # fmt: skip
