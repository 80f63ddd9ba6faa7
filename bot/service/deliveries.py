"""Shows and replays what GitHub sent."""

from bot.api.deliveries import DeliveryDetail, DeliveryView
from bot.journal_views import delivery_detail, delivery_view
from bot.service.seen import check
from runtime.store import deliveries
from runtime.store.journal import STATES
from runtime.store.store import Store


class Deliveries:
    """Implements `bot.api.deliveries.DeliveriesPort`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def listing(self, *, state: str | None, limit: int) -> list[DeliveryView]:
        """Return the newest deliveries, newest first; `WrongUse` names the states there are."""
        check("state", state, STATES)
        return [delivery_view(entry) for entry in deliveries.listing(self._store, state=state, limit=limit)]

    def get(self, guid: str) -> DeliveryDetail:
        """Return one delivery with its handlers and records."""
        return delivery_detail(self._store, guid)

    async def replay(self, guid: str, *, force: bool) -> DeliveryView:
        """Queue a delivery again; `force` also repeats stories that had finished."""
        known = self.get(guid).delivery.guid
        return delivery_view(await deliveries.replay(self._store, known, force=force))
