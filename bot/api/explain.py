"""Why a session is what it is, or what became of a delivery, on the interface."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from bot.api.operation import Limit, Operation

if TYPE_CHECKING:
    from bot.api.port import ServicePort


class StepView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that happened: its cause, and what followed; `delivery` is the GUID of the one that caused it."""

    at: str
    cause: str
    effects: list[str]
    level: str
    delivery: str | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """In plain words: what it is and which facts decided, what it waits for, and how it came to this.

    `chain` is in the order of time; `left_out` counts the older steps that were asked to be left out.
    """

    name: str
    about: str
    now: list[str]
    waits_for: list[str]
    chain: list[StepView]
    left_out: int = 0


class ExplainPort(Protocol):
    """Explains sessions and deliveries."""

    async def explain(self, name: str, *, limit: int) -> Explanation:
        """Explain a session by its name or a delivery by its GUID or number, with its last `limit` steps."""
        ...


class What(msgspec.Struct):
    """A session or a delivery, and how many steps."""

    name: str
    limit: Limit = 30


async def _explain(service: "ServicePort", what: What, _: None) -> Explanation:
    return await service.why.explain(what.name, limit=what.limit)


_SAYS = "Why a session is what it is, or what became of a delivery."
OPERATIONS = (Operation("GET", "/api/v1/explanations/{name}", "explain", _SAYS, _explain, Explanation, What),)
