"""A store in a file of its own, and a clock that is moved by hand."""

import pytest

from runtime.store.store import Store
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock(1000.0)


@pytest.fixture
def store(tmp_path, clock):
    store = Store(tmp_path / "ao.db", clock=clock)
    yield store
    store.close()
