"""The journal and the audit trail as people and scripts see them."""

import msgspec

from bot.api.deliveries import DeliveryDetail, DeliveryView, HandlerRun
from bot.api.operation import Unknown
from bot.api.records import RecordView
from runtime.store import deliveries, records
from runtime.store.store import Store
from runtime.view import iso


def delivery_view(entry: deliveries.Entry) -> DeliveryView:
    """Return one line of the journal."""
    return DeliveryView(
        guid=entry.guid, event=entry.event, action=entry.action, state=entry.state,
        received_at=iso(entry.received_at), attempts=entry.attempts, session_key=entry.session_key,
        skip_reason=entry.skip_reason, error=entry.error,
        finished_at=iso(entry.finished_at) if entry.finished_at else None,
    )  # fmt: skip


def delivery_detail(store: Store, guid: str) -> DeliveryDetail:
    """Return one delivery with its handlers, records and payload."""
    found = deliveries.show(store, guid)
    if found is None:
        raise Unknown(f"There is no delivery {guid}; list them with: ao deliveries ls")
    runs = [HandlerRun(handler=r.handler, done_at=iso(r.done_at), skip_reason=r.skip_reason) for r in found.runs]
    caused = [record_view(line) for line in found.records]
    payload = msgspec.json.decode(found.body) if found.body else None
    return DeliveryDetail(delivery=delivery_view(found.entry), handlers=runs, records=caused, payload=payload)


def record_view(line: records.Record) -> RecordView:
    """Return one line of the audit trail."""
    return RecordView(
        id=line.id, at=iso(line.at), kind=line.kind, level=line.level, source=line.source, session_id=line.session_id,
        summary=line.summary, delivery_id=line.delivery_id, delivery=line.delivery, data=line.data,
    )  # fmt: skip
