"""Lets the journal forget what nobody will ask for again."""

import asyncio
import logging

from runtime.errors import StoreBusy
from runtime.store import deliveries
from runtime.store.store import Store

log = logging.getLogger(__name__)

EVERY = 3600.0


async def run(store: Store, *, every: float = EVERY) -> None:
    """Forget at once and then every hour, until cancelled."""
    while True:
        try:
            if changed := await deliveries.forget(store):
                log.info("old deliveries dropped", extra={"count": changed})
        except StoreBusy:
            log.warning("old deliveries not dropped, the store is busy")
        await asyncio.sleep(every)
