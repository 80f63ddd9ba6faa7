"""Forgetting, in the background."""

import asyncio

import pytest

from bot import retention
from runtime.errors import StoreBusy


async def test_it_goes_on_after_a_busy_store_until_cancelled(monkeypatch):
    results = [3, StoreBusy("locked"), StoreBusy("locked"), 2, 0]
    enough = asyncio.Event()

    async def forget(_store, **_how):
        result = results.pop(0) if results else 0
        if not results:
            enough.set()
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(retention.deliveries, "forget", forget)
    monkeypatch.setattr(retention.records, "forget", forget)
    task = asyncio.create_task(retention.run(None, every=0.0))
    await asyncio.wait_for(enough.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
