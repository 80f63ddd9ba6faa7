"""The operations of the interface, declared once: routes and the OpenAPI description come from the same table."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.api.port import DeliveryDetail, DeliveryView, Killed, Sent, ServicePort, ServiceStatus
from runtime.errors import UserError
from runtime.view import SessionView

Answer = Callable[[ServicePort, Any, Any], Awaitable[Any] | Any]
"""From the service, the decoded parameters and the decoded body to what is answered as JSON."""


class BadRequest(UserError):
    """The request itself is wrong; says which part."""


@dataclass(frozen=True)
class Operation:
    """One thing that the interface can do."""

    method: str
    path: str
    name: str
    summary: str
    answer: Answer
    returns: Any
    parameters: type[msgspec.Struct]
    body: type[msgspec.Struct] | None = None


class Nothing(msgspec.Struct):
    """No parameters."""


class Listing(msgspec.Struct):
    """Which sessions."""

    project: str | None = None
    all: bool = False


class Name(msgspec.Struct):
    """Which session."""

    id: str


class Deliveries(msgspec.Struct):
    """Which deliveries."""

    state: str | None = None
    limit: int = 50


class Guid(msgspec.Struct):
    """Which delivery."""

    guid: str


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """A text for the agent; `wait` holds the answer until the agent has taken it or `timeout` seconds are over."""

    text: str
    wait: bool = True
    timeout: float | None = None
    author: str | None = None


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """How to replay."""

    force: bool = False


class Sessions(msgspec.Struct, rename="camel"):
    """The sessions, the projects they can belong to, and how many ended ones are not shown."""

    sessions: list[SessionView]
    projects: list[str]
    hidden_terminated_count: int


def _sessions(service: ServicePort, want: Listing, _: None) -> Sessions:
    projects = [project.id for project in service.status().projects]
    if want.project is not None and want.project not in projects:
        raise BadRequest(f"There is no project {want.project!r}; there are: {', '.join(projects) or 'none'}.")
    found, hidden = service.sessions(project=want.project, ended=want.all)
    return Sessions(found, [want.project] if want.project else projects, hidden)


async def _send(service: ServicePort, which: Name, message: Message) -> Sent:
    if not message.text.strip():
        raise BadRequest("The message is empty; send some text.")
    return await service.send(
        which.id, message.text, author=message.author, wait=message.wait, patience=message.timeout
    )


def _deliveries(service: ServicePort, want: Deliveries, _: None) -> list[DeliveryView]:
    return service.deliveries(state=want.state, limit=max(1, min(want.limit, 1000)))


_SESSION = "/api/v1/sessions/{id}"
_DELIVERY = "/api/v1/deliveries/{guid}"

OPERATIONS = (
    Operation("GET", "/api/v1/sessions", "listSessions", "Lists sessions.", _sessions, Sessions, Listing),
    Operation("GET", _SESSION, "getSession", "One session.", lambda s, p, _: s.session(p.id), SessionView, Name),
    Operation("POST", f"{_SESSION}/kill", "killSession", "Ends one.", lambda s, p, _: s.kill(p.id), Killed, Name),
    Operation("POST", f"{_SESSION}/messages", "sendMessage", "Sends a message.", _send, Sent, Name, Message),
    Operation(
        "GET",
        "/api/v1/deliveries",
        "listDeliveries",
        "The journal, newest first.",
        _deliveries,
        list[DeliveryView],
        Deliveries,
    ),
    Operation(
        "GET", _DELIVERY, "getDelivery", "One delivery.", lambda s, p, _: s.delivery(p.guid), DeliveryDetail, Guid
    ),
    Operation(
        "POST",
        f"{_DELIVERY}/replay",
        "replayDelivery",
        "Queues a delivery again.",
        lambda s, p, body: s.replay(p.guid, force=body.force),
        DeliveryView,
        Guid,
        Replay,
    ),
    Operation(
        "GET",
        "/api/v1/status",
        "getStatus",
        "What the service does.",
        lambda s, _, __: s.status(),
        ServiceStatus,
        Nothing,
    ),
)


async def perform(operation: Operation, service: ServicePort, raw: dict[str, str], body: bytes) -> bytes:
    """Decode, do and encode; a decoding error says which part is wrong."""
    try:
        parameters = msgspec.convert(raw, operation.parameters, strict=False)
        decoded = msgspec.json.decode(body or b"{}", type=operation.body) if operation.body else None
    except msgspec.MsgspecError as error:
        raise BadRequest(f"{error}.") from error
    answer = operation.answer(service, parameters, decoded)
    if inspect.isawaitable(answer):
        answer = await answer
    return msgspec.json.encode(answer)
