"""Lets the journal and the audit trail forget what nobody will ask for again."""

import asyncio
import logging

from runtime.errors import StoreBusy
from runtime.store import deliveries, records
from runtime.store.store import Store

log = logging.getLogger(__name__)

EVERY = 3600.0
DELIVERIES, RECORDS = "old deliveries", "old records"


async def run(store: Store, *, every: float = EVERY) -> None:
    """Forget at once and then every hour, until cancelled."""
    while True:
        for what, forget in ((DELIVERIES, deliveries.forget), (RECORDS, records.forget)):
            try:
                if changed := await forget(store):
                    log.info("%s dropped", what, extra={"count": changed})
            except StoreBusy:
                log.warning("%s not dropped, the store is busy", what)
        await asyncio.sleep(every)
