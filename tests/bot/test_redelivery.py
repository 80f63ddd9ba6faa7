import asyncio
from datetime import UTC, datetime

import pytest

from bot.redelivery import Redelivery
from runtime.errors import ForgeBusy, StoreBusy
from runtime.store import records
from runtime.store.journal import Arrival, Journal
from runtime.store.store import Store


class FakeHub:
    """GitHub's list of deliveries, newest first, and what it was asked to deliver again."""

    is_app = True

    def __init__(self):
        self.listed, self.again, self.trouble = [], [], None

    @property
    def own(self):
        return self

    def attempt(self, id, guid, status, at=1000.0):
        stamp = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
        self.listed.insert(0, {"id": id, "guid": guid, "status_code": status, "delivered_at": stamp})

    async def pages(self, url):
        if self.trouble:
            raise self.trouble
        for one in self.listed:
            yield one

    async def post(self, url, *, data):
        self.again.append(url)


@pytest.fixture
def store(tmp_path, clock):
    path = tmp_path / "ao.db"
    clock.now = 1000.0
    made = Store(path, clock=clock)
    yield made
    made.close()


@pytest.fixture
def hub():
    return FakeHub()


async def arrived(store, guid):
    await Journal(store).claim(Arrival(guid, "issues", "labeled", guid.encode(), True))


def redelivery(store, hub, after_start=(0.0,), every=3600.0, turned_away=None):
    away = turned_away or asyncio.Event()
    return Redelivery(store, hub, away, after_start=after_start, every=every, soon=0.001)


async def test_only_what_never_arrived_is_asked_for_oldest_first(store, hub):
    await arrived(store, "known")
    hub.attempt(1, "lost", 502)
    hub.attempt(2, "known", 0)
    hub.attempt(3, "retried", 502)
    hub.attempt(4, "retried", 202)
    hub.attempt(5, "also-lost", 0)
    assert await redelivery(store, hub).sweep() == 2
    assert hub.again == ["/app/hook/deliveries/1/attempts", "/app/hook/deliveries/5/attempts"]


async def test_first_attempts_decide_the_order(store, hub):
    for id, guid in enumerate(("first", "second", "first"), 1):
        hub.attempt(id, guid, 503)
    await redelivery(store, hub).sweep()
    assert hub.again == ["/app/hook/deliveries/1/attempts", "/app/hook/deliveries/2/attempts"]


async def test_what_was_turned_away_is_asked_for_however_much_arrived_since(store, hub, clock):
    hub.attempt(1, "turned-away", 503, at=1000.0)
    clock.now = 5000.0
    await arrived(store, "new")
    assert await redelivery(store, hub).sweep() == 1


async def test_what_a_sweep_has_covered_is_left_alone_by_the_next_service(store, hub, clock):
    await redelivery(store, hub).sweep()
    hub.attempt(1, "old", 503, at=clock.now - 700.0)
    hub.attempt(2, "listed-late", 503, at=clock.now - 500.0)
    clock.passes(10)
    assert await redelivery(store, hub).sweep() == 1
    assert hub.again == ["/app/hook/deliveries/2/attempts"]


async def test_what_was_covered_by_a_clock_that_was_set_back_is_compared_again(store, hub, clock):
    await redelivery(store, hub).sweep()
    clock.passes(-7200)
    hub.attempt(1, "lost-meanwhile", 503, at=clock.now - 3600.0)
    assert await redelivery(store, hub).sweep() == 1


async def test_sweep_that_was_cut_off_has_covered_nothing(store, hub, clock):
    hub.attempt(1, "lost", 503)
    hub.trouble = ForgeBusy("busy")
    with pytest.raises(ForgeBusy):
        await redelivery(store, hub).sweep()
    hub.trouble = None
    clock.passes(10_000)
    assert await redelivery(store, hub).sweep() == 1


async def test_nothing_is_asked_for_that_could_not_be_stored(store, hub, monkeypatch):
    async def prove_writable():
        raise StoreBusy("the disk is full")

    hub.attempt(1, "turned-away", 503)
    turned_away = asyncio.Event()
    turned_away.set()
    monkeypatch.setattr(store, "prove_writable", prove_writable)
    with pytest.raises(StoreBusy):
        await redelivery(store, hub, turned_away=turned_away).sweep()
    assert hub.again == []
    assert turned_away.is_set()


async def test_delivery_that_was_turned_away_is_asked_for_soon(store, hub):
    turned_away = asyncio.Event()
    turned_away.set()
    assert await swept(hub, redelivery(store, hub, turned_away=turned_away), 1) == 1


async def test_sweep_is_hurried_when_something_may_have_been_missed(store, hub):
    sweeping = redelivery(store, hub)
    sweeping.hurry()
    assert await swept(hub, sweeping, 1) == 1


async def test_hurried_sweep_that_found_no_github_is_tried_again_as_soon(store, hub):
    hub.trouble = ForgeBusy("no network yet")
    sweeping = redelivery(store, hub)
    sweeping.hurry()
    assert await swept(hub, sweeping, 3) >= 3


async def test_full_disk_ends_nothing(store, hub, monkeypatch, caplog):
    async def write(job, **_):
        raise StoreBusy("the disk is full")

    await arrived(store, "known")
    monkeypatch.setattr(store, "write", write)
    assert await swept(hub, redelivery(store, hub, every=0.001), 3) >= 3
    assert "could not look for lost deliveries" in caplog.text


async def swept(hub, sweeping, times):
    """Run until GitHub was asked for deliveries so many times."""
    asked, listed = 0, hub.pages

    async def counted(url):
        nonlocal asked
        asked += 1
        async for one in listed(url):
            yield one

    hub.pages = counted
    task = asyncio.create_task(sweeping.run())
    async with asyncio.timeout(30):
        while asked < times and not task.done():
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return asked


async def test_first_start_waits_for_the_slow_sweep(store, hub):
    hub.attempt(1, "before-us", 502)
    sweeping = redelivery(store, hub)
    task = asyncio.create_task(sweeping.run())
    await asyncio.sleep(0)
    assert hub.again == []
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_later_start_sweeps_at_once_and_then_again(store, hub):
    await arrived(store, "known")
    assert await swept(hub, redelivery(store, hub, after_start=(0.0, 0.001), every=0.001), 4) >= 4


async def test_trouble_of_github_is_left_to_the_next_sweep(store, hub, caplog):
    await arrived(store, "known")
    hub.trouble = ForgeBusy("busy")
    assert await swept(hub, redelivery(store, hub, every=0.001), 2) >= 2
    assert "could not look for lost deliveries" in caplog.text
    told = [(one.kind, one.summary) for one in records.after(store, 0, limit=9)[0]]
    assert told == [("redelivery_failed", "could not look for deliveries that never arrived: busy")]


async def test_a_token_asks_for_nothing(store, hub):
    await arrived(store, "known")
    hub.is_app = False
    assert await swept(hub, redelivery(store, hub), 1) == 0
