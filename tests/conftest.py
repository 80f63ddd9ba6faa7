"""What all tests share: quick stores, a clock, GitHub's side, and the bot between them."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.store import store as store_module
from runtime.store.migrate import migrate
from tests.fakes.bot import Bot
from tests.fakes.clock import FakeClock
from tests.fakes.github import GitHub


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core, eight at most: much of what the tests do is to wait for processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2 * cores, 8)


def pytest_configure() -> None:
    """Let tests end what they have started when they are told to end, and Ctrl-C reach what they start.

    A shell starts what it runs in the background with an interrupt that is ignored, and so would all of our children.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def new_stores_are_copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Migrate once and copy the result: a tenth of a second less for every test that has a store."""
    template = tmp_path_factory.mktemp("template") / "ao.db"
    migrate(template)

    def copy_or_migrate(path: Path) -> None:
        if path.exists():
            migrate(path)
        else:
            shutil.copyfile(template, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "migrate", copy_or_migrate)
        yield


@pytest.fixture
def quick_disk():
    """A directory in memory where there is one: for stores of which no test cuts the power."""
    shared = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="ao-", dir=shared if shared.is_dir() else None))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def github(clock):
    return GitHub(clock)


@pytest.fixture
def make_bot(quick_disk, clock, github):
    """Return a function that makes a bot, with a project of the test's choice."""
    made = []

    def make(project=None):
        made.append(Bot(quick_disk / f"ao-{len(made)}.db", clock, github, project))
        return made[-1]

    yield make
    for bot in made:
        bot.store.close()


@pytest.fixture
def bot(make_bot):
    return make_bot()
