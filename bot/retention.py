"""Lets the journal and the audit trail forget what nobody will ask for again."""

import asyncio
import logging
from functools import partial

from runtime.errors import StoreBusy
from runtime.store import deliveries, records
from runtime.store.store import Store

log = logging.getLogger(__name__)

EVERY = 3600.0
DELIVERIES, RECORDS = "old deliveries", "old records"


async def run(store: Store, *, every: float = EVERY, records_kept: float = records.KEPT) -> None:
    """Forget at once and then every hour, until cancelled; records older than `records_kept` seconds go."""
    parts = ((DELIVERIES, deliveries.forget), (RECORDS, partial(records.forget, kept=records_kept)))
    while True:
        for what, forget in parts:
            try:
                if changed := await forget(store):
                    log.info("%s dropped", what, extra={"count": changed})
            except StoreBusy:
                log.warning("%s not dropped, the store is busy", what)
        await asyncio.sleep(every)
