"""Deliveries through their handlers."""

import asyncio
import contextlib
import itertools
import json
import logging

import pytest

from bot.worker import Limits, Outcome, Worker
from runtime.errors import ForgeBusy, Permanent, StoreBusy, UserError
from runtime.store.deliveries import listing, replay, show
from runtime.store.journal import Arrival, Journal
from runtime.store.store import Store
from tests.waiting import until

SOON = Limits(deadline=5.0, backoff=lambda _attempt: 0.0)


def note(text):
    return lambda tx: tx.record("did", text)


class Stories:
    """Handlers written down in the test; each gets the payload and may return what to note."""

    def __init__(self, **handlers):
        self.handlers = handlers
        self.runs = []
        self.told = []

    def handlers_for(self, event, payload):
        assert event == "issues"
        if payload.get("unroutable"):
            raise ValueError("no route")
        return [(name, name) for name in sorted(self.handlers)]

    def key_of(self, delivery):
        return delivery.payload["key"]

    async def run(self, handler, delivery):
        self.runs.append((handler, delivery.payload["n"]))
        said = await self.handlers[handler](delivery.payload)
        return said if isinstance(said, Outcome) else Outcome((note(said or f"{handler} {delivery.payload['n']}"),))

    def say_error(self, _delivery, error):
        self.told.append(str(error))
        return [note(f"told: {error}")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ao.db"


@pytest.fixture
def store(path):
    store = Store(path)
    yield store
    store.close()


async def receive(store, n, key="k", **more):
    body = json.dumps({"n": n, "key": key, **more}).encode()
    await Journal(store).claim(Arrival(f"g{n}", "issues", "opened", body, True))


def notes(store):
    lines = (line for entry in listing(store, limit=1000) for line in show(store, entry.id).records)
    return [line.summary for line in sorted(lines, key=lambda line: line.id) if line.kind == "did"]


def states(store):
    return {entry.guid: entry.state for entry in listing(store, limit=1000)}


@contextlib.asynccontextmanager
async def working(store, stories, limits=SOON, **more):
    worker = Worker(store, stories, limits=limits, **more)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.drain(5.0)
        await asyncio.wait_for(task, 30)


async def work_off(store, stories, limits=SOON, **more):
    """Run a worker until nothing is open."""
    async with working(store, stories, limits, **more) as worker:
        await until(lambda: not {"queued", "running"} & set(states(store).values()))
    return worker


async def nothing(_payload):
    return None


def failing(*errors, then="made it"):
    """Return a handler that raises these, one per run, and then works."""
    left = list(errors)

    async def handler(_payload):
        if left:
            raise left.pop(0)
        return then

    return handler


async def test_every_handler_runs_once_in_order_and_is_committed(store):
    await receive(store, 1)
    worker = await work_off(store, Stories(b=nothing, a=nothing))
    assert notes(store) == ["a 1", "b 1"]
    assert (states(store), worker.ended) == ({"g1": "done"}, {("a", "done"): 1, ("b", "done"): 1})
    assert set(worker.seconds) == {"a", "b"}


async def test_fifty_copies_at_once_run_once(store):
    stories = Stories(h=nothing)
    async with working(store, stories):
        await asyncio.gather(*(receive(store, 1) for _ in range(50)))
        await until(lambda: states(store) == {"g1": "done"})
    assert stories.runs == [("h", 1)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_deliveries_of_a_key_run_in_the_order_they_came(store, order):
    started = []

    async def slower_at_first(payload):
        started.append(payload["n"])
        await asyncio.sleep(0.004 / (1 + len(started)))
        assert started[-1] == payload["n"], "another one of the key ran meanwhile"

    async with working(store, Stories(h=slower_at_first)):
        for n in order:
            await receive(store, n)
        await until(lambda: len(notes(store)) == 4)
    assert notes(store) == [f"h {n}" for n in order]


async def test_keys_run_side_by_side_up_to_the_limit(store):
    running, most, crowded = set(), [], asyncio.Event()

    async def handler(payload):
        running.add(payload["n"])
        most.append(len(running))
        if len(running) == 4:
            crowded.set()
        await crowded.wait()
        running.remove(payload["n"])

    for n in range(12):
        await receive(store, n, key=f"k{n}")
    await work_off(store, Stories(h=handler), Limits(at_once=4))
    assert max(most) == 4


async def test_failing_handler_takes_no_other_down_and_alone_runs_again(store):
    stories = Stories(a=nothing, b=failing(ValueError("oops")), c=nothing)
    await receive(store, 1)
    await work_off(store, stories)
    assert stories.runs == [("a", 1), ("b", 1), ("c", 1), ("b", 1)]
    assert notes(store) == ["a 1", "c 1", "made it"]
    assert show(store, "g1").entry.attempts == 1


async def test_operation_that_fails_undoes_its_handler_only(store):
    def impossible(_tx):
        raise Permanent("the table says no")

    async def handler(_payload):
        return Outcome((note("half"), impossible))

    await receive(store, 1)
    await work_off(store, Stories(a=nothing, b=handler))
    assert (notes(store), show(store, "g1").entry.error) == (["a 1"], "b: Permanent: the table says no")


async def test_hung_handler_is_cancelled_at_its_deadline_and_tried_again(store):
    cancelled = []

    async def hang_once(_payload):
        if cancelled:
            return "made it"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    await receive(store, 1)
    await work_off(store, Stories(h=hang_once), Limits(deadline=0.02, backoff=lambda _attempt: 0.0))
    assert (cancelled, notes(store)) == ([True], ["made it"])


async def test_deadline_and_a_timeout_of_the_handlers_own_are_told_apart(store):
    async def hang(payload):
        if payload["n"] == 1:
            raise TimeoutError("the forge was slow")
        await asyncio.Event().wait()

    await receive(store, 1)
    await receive(store, 2)
    await work_off(store, Stories(h=hang), Limits(deadline=0.01, backoff=lambda _attempt: 0.0))
    errors = [show(store, guid).entry.error for guid in ("g1", "g2")]
    assert errors == ["h: TimeoutError: the forge was slow", "h: TimeoutError: not done after 0.01 s"]


@pytest.mark.parametrize(
    ("error", "tries"), [(ForgeBusy("rate limit", after=0), 8), (ValueError("bug"), 5), (Permanent("gone"), 1)]
)
async def test_hopeless_delivery_becomes_a_dead_letter_and_its_key_goes_on(store, error, tries):
    async def handler(payload):
        if payload["n"] == 1:
            raise error

    stories = Stories(h=handler)
    await receive(store, 1)
    await receive(store, 2)
    await work_off(store, stories)
    assert stories.runs == [("h", 1)] * tries + [("h", 2)]
    letter = show(store, "g1")
    assert (letter.entry.state, letter.entry.error) == ("dead", f"h: {type(error).__name__}: {error}")
    assert letter.records[-1].kind == "delivery_dead"


async def test_waits_between_tries_grow_and_obey_the_forge(store):
    now = [1000.0]
    asked = []

    def backoff(attempt):
        asked.append(attempt)
        return attempt / 100

    errors = [ValueError("bug"), ForgeBusy("rate limit", after=90)]
    await receive(store, 1)
    async with working(store, Stories(h=failing(*errors)), Limits(backoff=backoff), clock=lambda: now[0]):
        await until(lambda: asked == [1])
        await until(lambda: Journal(store).load(1).not_before == 1000.01)
        now[0] = 1000.01
        await until(lambda: asked == [1, 2])
        await until(lambda: Journal(store).load(1).not_before == 1090.01)
    assert states(store) == {"g1": "queued"}


async def test_failing_delivery_holds_up_only_its_own_key(store):
    async def handler(payload):
        if payload["key"] == "broken":
            raise ValueError("bug")

    await receive(store, 1, key="broken")
    await receive(store, 2, key="broken")
    await receive(store, 3, key="fine")
    async with working(store, Stories(h=handler), Limits(backoff=lambda _attempt: 60.0)):
        await until(lambda: states(store)["g3"] == "done" and show(store, "g1").entry.attempts == 1)
        assert states(store) == {"g1": "queued", "g2": "queued", "g3": "done"}


async def test_mistake_of_a_person_is_told_once_and_is_no_failure(store):
    stories = Stories(a=failing(UserError("Use `/agent help`.")), b=failing(ValueError("oops")))
    await receive(store, 1)
    await work_off(store, stories)
    assert (stories.told, states(store)) == (["Use `/agent help`."], {"g1": "done"})
    assert sorted(notes(store)) == ["made it", "told: Use `/agent help`."]
    assert show(store, "g1").runs[0].skip_reason == "Use `/agent help`."


async def test_mistake_that_cannot_be_told_is_a_failure(store):
    class Speechless(Stories):
        def say_error(self, _delivery, _error):
            raise Permanent("nowhere to say it")

    await receive(store, 1)
    await work_off(store, Speechless(h=failing(UserError("Use `/agent help`."))))
    assert show(store, "g1").entry.error == "h: Permanent: nowhere to say it"


async def test_skip_reason_is_kept(store):
    async def skip(_payload):
        return Outcome(skip_reason="bob has no write permission")

    await receive(store, 1)
    worker = await work_off(store, Stories(h=skip))
    assert show(store, "g1").entry.skip_reason == "bob has no write permission"
    assert worker.ended == {("h", "skipped"): 1}


async def test_delivery_nobody_handles_is_done(store):
    await receive(store, 1)
    await work_off(store, Stories())
    assert (states(store), show(store, "g1").entry.skip_reason) == ({"g1": "done"}, "no handler")


async def test_payload_that_routing_cannot_read_is_a_dead_letter(store):
    await receive(store, 1, unroutable=True)
    await work_off(store, Stories(h=nothing))
    assert show(store, "g1").entry.error == "routing: ValueError: no route"


async def test_delivery_without_a_key_runs_all_the_same(store):
    class Keyless(Stories):
        def key_of(self, _delivery):
            raise KeyError("repository")

    await receive(store, 1)
    await work_off(store, Keyless(h=nothing))
    assert (states(store), show(store, "g1").entry.session_key) == ({"g1": "done"}, "delivery:1")


async def test_killed_service_goes_on_where_it_stopped(store, path):
    reached = asyncio.Event()

    async def never(_payload):
        reached.set()
        await asyncio.Event().wait()

    for n in (1, 2):
        await receive(store, n)
    abandoned = asyncio.create_task(Worker(store, Stories(a=nothing, b=never), limits=SOON).run())
    await reached.wait()
    after = Store(path)  # what a new process finds on the disk
    assert states(after) == {"g1": "running", "g2": "queued"}
    stories = Stories(a=nothing, b=nothing)
    await work_off(after, stories)
    assert stories.runs == [("b", 1), ("a", 2), ("b", 2)]
    assert notes(after) == ["a 1", "b 1", "a 2", "b 2"]
    assert show(after, "g1").entry.attempts == 1
    after.close()
    abandoned.cancel()
    await asyncio.gather(abandoned, return_exceptions=True)


async def test_drain_lets_running_handlers_finish_and_takes_nothing_new(store):
    gate, reached = asyncio.Event(), asyncio.Event()

    async def slow(_payload):
        reached.set()
        await gate.wait()

    await receive(store, 1)
    await receive(store, 2)
    async with working(store, Stories(h=slow)) as worker:
        await reached.wait()
        draining = asyncio.create_task(worker.drain(5.0))
        await asyncio.sleep(0)
        gate.set()
        await draining
    assert states(store) == {"g1": "done", "g2": "queued"}


async def test_drain_gives_back_what_takes_too_long(store):
    reached = asyncio.Event()

    async def never(_payload):
        reached.set()
        await asyncio.Event().wait()

    await receive(store, 1)
    async with working(store, Stories(h=never)) as worker:
        await reached.wait()
        await worker.drain(0.0)
        assert (states(store), show(store, "g1").entry.attempts) == ({"g1": "queued"}, 0)


async def test_cancelled_worker_gives_back_what_it_holds(store):
    reached = asyncio.Event()

    async def never(_payload):
        reached.set()
        await asyncio.Event().wait()

    await receive(store, 1)
    task = asyncio.create_task(Worker(store, Stories(h=never), limits=SOON).run())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert states(store) == {"g1": "queued"}


async def test_replayed_delivery_runs_again_at_once(store):
    stories = Stories(h=nothing)
    async with working(store, stories):
        await receive(store, 1)
        await until(lambda: states(store) == {"g1": "done"})
        await replay(store, "g1", force=True)
        await until(lambda: len(stories.runs) == 2 and states(store) == {"g1": "done"})


async def test_trouble_with_the_store_passes(store, monkeypatch):
    start, recovered = Journal.start, []

    async def busy_once(journal, id, key):
        if not recovered:
            recovered.append(True)
            raise StoreBusy("disk full")
        return await start(journal, id, key)

    monkeypatch.setattr(Journal, "start", busy_once)
    monkeypatch.setattr("bot.worker.STORE_PAUSE", 0.01)
    await receive(store, 1)
    await work_off(store, Stories(h=nothing))
    assert notes(store) == ["h 1"]


async def test_unreadable_journal_is_read_again(store, monkeypatch):
    read, failed = Journal.open_ids, []

    def fail_once(journal):
        if not failed:
            failed.append(True)
            raise OSError("disk")
        return read(journal)

    await receive(store, 1)
    monkeypatch.setattr("bot.worker.STORE_PAUSE", 0.01)
    monkeypatch.setattr(Journal, "open_ids", fail_once)
    await work_off(store, Stories(h=nothing))
    assert (failed, notes(store)) == ([True], ["h 1"])


async def test_running_delivery_is_not_taken_again_though_its_key_has_changed(store):
    """A session that exists by now changes the key of what started it."""
    gate, keys = asyncio.Event(), itertools.count()

    class Moving(Stories):
        def key_of(self, _delivery):
            return f"key {next(keys)}"

    async def wait(payload):
        if payload["n"] == 1:
            await gate.wait()

    stories = Moving(h=wait)
    await receive(store, 1)
    async with working(store, stories):
        await until(lambda: stories.runs)
        for n in (2, 3, 4):
            await receive(store, n)
            await until(lambda n=n: states(store)[f"g{n}"] == "done")
        gate.set()
        await until(lambda: states(store)["g1"] == "done")
    assert stories.runs == [("h", 1), ("h", 2), ("h", 3), ("h", 4)]


async def test_older_snapshot_brings_nothing_back(store, monkeypatch):
    """The list of open rows is old by the time the last of it is taken in."""
    stories = Stories(h=nothing)
    for n in range(60):
        await receive(store, n, key=f"k{n % 7}")
    read = Journal.open_ids
    monkeypatch.setattr(Journal, "open_ids", lambda journal: [id for id in read(journal) for _ in range(2)])
    await work_off(store, stories)
    assert sorted(stories.runs) == [("h", n) for n in range(60)]


async def test_delivery_can_be_followed_by_its_id_in_the_log(store, caplog):
    caplog.set_level(logging.INFO)
    await receive(store, 1)
    await work_off(store, Stories(h=nothing))
    lines = {record.message: record for record in caplog.records if getattr(record, "delivery_id", "") == "g1"}
    assert list(lines) == ["delivery started", "delivery finished"]
    assert lines["delivery started"].waited_ms >= 0 and lines["delivery finished"].result == "done"
