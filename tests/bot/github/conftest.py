"""GitHub played by respx, a client, and time that passes only when somebody sleeps."""

import pytest
import respx

from bot.github.credentials import TokenAuth
from bot.github.hub import Hub
from bot.github.roots import Roots
from runtime.store.store import Store
from tests.bot.github.wire import API, FakeTime, RespxWire, terms


@pytest.fixture
def time():
    """Time that passes only when somebody sleeps."""
    return FakeTime()


@pytest.fixture
def api():
    """GitHub; a request that no route expects fails the test."""
    with respx.mock(base_url=API, assert_all_called=False) as mock:
        yield mock


@pytest.fixture
async def wire():
    """A connection pool over httpx."""
    wire = RespxWire()
    yield wire
    await wire.close()


@pytest.fixture
def github(wire, time):
    """A client with a token."""
    return wire.connect(terms(time, TokenAuth("ghp_test")), Roots.of())


@pytest.fixture
def hub(wire, time):
    """An account in token mode."""
    return Hub(Roots.of(), TokenAuth("ghp_test"), wire, clock=time, sleep=time.sleep)


@pytest.fixture
def store(tmp_path, time):
    """An empty store in this time."""
    store = Store(tmp_path / "ao.db", clock=time)
    yield store
    store.close()
