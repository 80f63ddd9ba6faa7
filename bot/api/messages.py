"""Messages to agents on the interface."""

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from bot.api.operation import Name, Operation
from bot.api.sessions import SESSION
from runtime.errors import WrongUse

if TYPE_CHECKING:
    from bot.api.port import ServicePort


class Sent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a message, as far as the caller wanted to wait."""

    message_id: int
    result: Literal["processing", "queued", "unconfirmed"]


class MessagesPort(Protocol):
    """Takes in what people say to agents."""

    async def send(self, name: str, text: str, *, author: str | None, wait: bool, patience: float | None) -> Sent:
        """Commit a message and, with `wait`, watch until it is taken in, for `patience` seconds or the `send_wait`."""
        ...


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """A text for the agent; `wait` holds the answer until the agent has taken it or `timeout` seconds are over."""

    text: str
    wait: bool = True
    timeout: float | None = None
    author: str | None = None


async def _send(service: "ServicePort", which: Name, message: Message) -> Sent:
    if not message.text.strip():
        raise WrongUse("The message is empty; send some text.")
    return await service.messages.send(
        which.id, message.text, author=message.author, wait=message.wait, patience=message.timeout
    )


OPERATIONS = (Operation("POST", f"{SESSION}/messages", "sendMessage", "Sends a message.", _send, Sent, Name, Message),)
