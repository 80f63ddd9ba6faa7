"""The journal of deliveries on the interface."""

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from bot.api.operation import Limit, Operation
from bot.api.records import RecordView

if TYPE_CHECKING:
    from bot.api.port import ServicePort

DELIVERY = "/api/v1/deliveries/{guid}"


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the journal; times are ISO 8601 in UTC."""

    guid: str
    event: str
    action: str | None
    state: str
    received_at: str
    attempts: int
    session_key: str | None = None
    skip_reason: str | None = None
    error: str | None = None
    finished_at: str | None = None


class HandlerRun(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One handler that has finished with a delivery."""

    handler: str
    done_at: str
    skip_reason: str | None = None


class DeliveryDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A delivery with what became of it; `payload` is null once retention has dropped the body."""

    delivery: DeliveryView
    handlers: list[HandlerRun]
    records: list[RecordView]
    payload: Any = None


class DeliveriesPort(Protocol):
    """Shows and replays what GitHub sent."""

    def listing(self, *, state: str | None, limit: int) -> list[DeliveryView]:
        """Return the newest deliveries, newest first."""
        ...

    def get(self, guid: str) -> DeliveryDetail:
        """Return one delivery with its handlers and records."""
        ...

    async def replay(self, guid: str, *, force: bool) -> DeliveryView:
        """Queue a delivery again; `force` also repeats handlers that had finished."""
        ...


class Deliveries(msgspec.Struct):
    """Which deliveries."""

    state: str | None = None
    limit: Limit = 50


class Guid(msgspec.Struct):
    """Which delivery."""

    guid: str


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """How to replay."""

    force: bool = False


def _listing(service: "ServicePort", want: Deliveries, _: None) -> list[DeliveryView]:
    return service.deliveries.listing(state=want.state, limit=want.limit)


def _get(service: "ServicePort", which: Guid, _: None) -> DeliveryDetail:
    return service.deliveries.get(which.guid)


async def _replay(service: "ServicePort", which: Guid, how: Replay) -> DeliveryView:
    return await service.deliveries.replay(which.guid, force=how.force)


_JOURNAL, _AGAIN = "The journal, newest first.", "Queues a delivery again."
OPERATIONS = (
    Operation("GET", "/api/v1/deliveries", "listDeliveries", _JOURNAL, _listing, list[DeliveryView], Deliveries),
    Operation("GET", DELIVERY, "getDelivery", "One delivery.", _get, DeliveryDetail, Guid),
    Operation("POST", f"{DELIVERY}/replay", "replayDelivery", _AGAIN, _replay, DeliveryView, Guid, Replay),
)
