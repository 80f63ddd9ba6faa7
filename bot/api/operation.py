"""One thing that the interface can do: declared once, so that routes and the OpenAPI description come from the same."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from bot.bounds import MOST_LISTED
from runtime.errors import UserError

Answer = Callable[[Any, Any, Any], Awaitable[Any] | Any]
"""From the service, the decoded parameters and the decoded body to what is answered as JSON."""

Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST_LISTED)]
"""How many are answered at most."""


class Unknown(UserError):
    """There is no session or delivery of that name."""


class BadRequest(UserError):
    """The request is not as described in /api/v1/openapi.json; says which part."""


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


class Name(msgspec.Struct):
    """Which session."""

    id: str


async def perform(operation: Operation, service: object, raw: dict[str, str], body: bytes) -> bytes:
    """Decode, do and encode; a decoding error says which part is wrong."""
    try:
        parameters = msgspec.convert(raw, operation.parameters, strict=False)
        decoded = (
            msgspec.convert(_whole(msgspec.json.decode(body or b"{}")), operation.body) if operation.body else None
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"{error}.") from error
    answer = operation.answer(service, parameters, decoded)
    if inspect.isawaitable(answer):
        answer = await answer
    return msgspec.json.encode(answer)


def _whole(value: Any) -> Any:
    """Return JSON with `2.0` as `2`: the same integer (https://json-schema.org/draft/2020-12/json-schema-core#name-instance-data-model)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {key: _whole(one) for key, one in value.items()} if isinstance(value, dict) else value
