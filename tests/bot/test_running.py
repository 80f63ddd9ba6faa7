"""How the service stops: drained, with agents left running, and everything closed also when a part breaks."""

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path
from subprocess import CalledProcessError
from types import SimpleNamespace

import pytest

from bot import retention, running
from bot.listeners import bind_public
from runtime.errors import StoreBusy
from tests.waiting import until

NAMES = ("supervisor", "sender", "identity", "redelivery", "naps", "worker", "desk", "hub", "receiver", "pool")


class Part:
    """Anything that runs until it is cancelled, and notes what happens to it."""

    def __init__(self, name, did):
        self._name, self._did = name, did
        self.error = None
        self.draining = False
        self.adopted = asyncio.Event()

    async def run(self):
        self._did.append(f"{self._name} runs")
        self.adopted.set()
        if self.error:
            raise self.error
        await asyncio.Event().wait()

    async def drain(self, patience):
        self._did.append(f"drained within {patience}")

    async def close_all(self):
        self._did.append(f"{self._name} closed")

    resolve, close = run, close_all


@pytest.fixture
def did():
    return []


@pytest.fixture
async def parts(did, monkeypatch):
    parts = SimpleNamespace(**{name: Part(name, did) for name in NAMES})
    parts.tmux = SimpleNamespace(close=lambda: did.append("tmux closed"))
    parts.records_kept = 60.0
    parts.store = SimpleNamespace(
        close=lambda: did.append("store closed"), let_listeners_go=lambda: did.append("listeners gone")
    )
    monkeypatch.setattr(running, "published_shapes", lambda: did.append("shapes read"))
    monkeypatch.setattr(running, "public_app", lambda receiver: None)
    counts = [2, 0]

    async def forget(store, **_how):
        return counts.pop(0) if counts else 0

    monkeypatch.setattr(retention.deliveries, "forget", forget)
    monkeypatch.setattr(retention.records, "forget", forget)
    yield parts
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.fixture
def start(parts):
    place = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    yield lambda: running.run(parts, None, bind_public("127.0.0.1", 0), place / "ao.sock", drain=3)
    shutil.rmtree(place)


async def test_nobody_waits_for_the_shapes_of_credentials(start, did, monkeypatch):
    def broken():
        did.append("not read")
        raise CalledProcessError(1, "python")

    monkeypatch.setattr(running, "published_shapes", broken)
    task = asyncio.create_task(start())
    await until(lambda: {"not read", "worker runs"} <= set(did))
    os.kill(os.getpid(), signal.SIGTERM)
    assert await task == 0
    assert did.index("not read") > did.index("supervisor runs")


async def test_stop_drains_the_worker_before_anything_is_closed(parts, did, start):
    task = asyncio.create_task(start())
    await until(lambda: "worker runs" in did)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(task, 30) == 0
    assert parts.receiver.draining
    assert did[-6:] == [
        "drained within 3",
        "listeners gone",
        "desk closed",
        "hub closed",
        "tmux closed",
        "store closed",
    ]


async def test_old_deliveries_are_dropped_now_and_then(did, start, monkeypatch, caplog):
    monkeypatch.setattr(retention, "EVERY", 0.005)
    caplog.set_level("INFO", "bot.retention")
    task = asyncio.create_task(start())
    await until(lambda: "old deliveries dropped" in caplog.messages)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(task, 30)
    assert caplog.messages.count("old deliveries dropped") == 1


async def test_part_that_breaks_ends_the_service_with_everything_closed(parts, did, start):
    parts.supervisor.error = ZeroDivisionError("what?")
    with pytest.raises(BaseExceptionGroup) as raised:
        await asyncio.wait_for(start(), 30)
    assert raised.group_contains(ZeroDivisionError)
    assert did[-4:] == ["desk closed", "hub closed", "tmux closed", "store closed"]


async def test_part_that_ends_because_nothing_can_be_stored_is_begun_again(parts, did, start, monkeypatch):
    monkeypatch.setattr(running, "STORE_PAUSE", 0.001)
    parts.supervisor.error = BaseExceptionGroup("tasks", [StoreBusy("the disk is full")])
    task = asyncio.create_task(start())
    await until(lambda: did.count("supervisor runs") >= 3)
    parts.supervisor.error = None
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(task, 30) == 0
