"""Claiming deliveries, and how far each has come."""

import asyncio

import pytest
import sqlalchemy as sa

from runtime.store.bodies import WINDOW
from runtime.store.deliveries import show
from runtime.store.journal import MOST_CRASHES, Arrival, Claim, Journal, finish, mark_handler


@pytest.fixture
def journal(store):
    return Journal(store)


def arrival(guid="g1", body=b'{"n": 1}', event="issues", wanted=True):
    return Arrival(guid, event, "opened", body, wanted)


def state(journal, guid="g1"):
    return show(journal.store, guid).entry.state


async def end(journal, id, *runs):
    def job(tx):
        for handler, skip_reason in runs:
            mark_handler(tx, id, handler, skip_reason)
        finish(tx, id)

    await journal.start(id, "k")
    await journal.store.write(job)


async def test_new_delivery_is_queued_and_an_unwanted_one_ignored(journal):
    assert await journal.claim(arrival()) is Claim.QUEUED
    assert await journal.claim(arrival("g2", b"{}", wanted=False)) is Claim.IGNORED
    assert (state(journal), state(journal, "g2"), journal.open_ids()) == ("queued", "ignored", [1])


async def test_one_of_fifty_copies_at_once_is_queued(journal):
    claims = await asyncio.gather(*(journal.claim(arrival()) for _ in range(50)))
    assert sorted(claim.value for claim in claims) == ["duplicate"] * 49 + ["queued"]


@pytest.mark.parametrize("before", ["queued", "running", "done", "ignored"])
async def test_known_delivery_is_a_duplicate(journal, before):
    await journal.claim(arrival(wanted=before != "ignored"))
    if before in ("running", "done"):
        await journal.start(1, "k")
    if before == "done":
        await journal.finish(1)
    assert await journal.claim(arrival()) is Claim.DUPLICATE
    assert state(journal) == before


async def test_dead_delivery_that_comes_again_is_queued_again(journal):
    await journal.claim(arrival())
    await journal.start(1, "k")
    await journal.retry(1, not_before=5.0, error="once")
    await journal.start(1, "k")
    await journal.bury(1, "hopeless")
    assert await journal.claim(arrival()) is Claim.REQUEUED
    again = journal.load(1)
    assert (again.attempts, again.not_before, state(journal)) == (0, 0.0, "queued")


async def test_same_body_under_another_id_is_a_replay_for_72_hours(journal, clock):
    await journal.claim(arrival())
    clock.now += WINDOW - 1
    assert await journal.claim(arrival("g2")) is Claim.REPLAY
    assert await journal.claim(arrival("g3", event="push")) is Claim.REPLAY
    record = show(journal.store, "g1").records[0]
    assert (record.kind, record.source, record.data) == (
        "replay_suspect", "github", {"guid": "g2", "event": "issues"},
    )  # fmt: skip
    clock.now += 1
    assert await journal.claim(arrival("g2")) is Claim.QUEUED


async def test_loaded_delivery_brings_its_payload(journal):
    await journal.claim(arrival())
    delivery = journal.load(1)
    assert (delivery.guid, delivery.event, delivery.payload) == ("g1", "issues", {"n": 1})
    await journal.start(1, "k")
    await journal.finish(1)
    assert journal.load(1) is None


async def test_delivery_starts_only_while_it_is_open(journal):
    await journal.claim(arrival())
    assert await journal.start(1, "o/r#1")
    assert show(journal.store, "g1").entry.session_key == "o/r#1"
    await journal.finish(1)
    assert not await journal.start(1, "o/r#1")


async def test_released_delivery_has_lost_no_attempt(journal):
    await journal.claim(arrival())
    await journal.start(1, "k")
    await journal.release(1)
    assert (state(journal), journal.load(1).attempts) == ("queued", 0)


async def test_retry_counts_and_waits(journal):
    await journal.claim(arrival())
    await journal.start(1, "k")
    await journal.retry(1, not_before=1009.0, error="rate limit")
    again = journal.load(1)
    assert (again.attempts, again.not_before, show(journal.store, 1).entry.error) == (1, 1009.0, "rate limit")


async def test_dead_letter_has_its_reason_and_a_record(journal):
    await journal.claim(arrival())
    await journal.start(1, "k")
    await journal.bury(1, "hopeless")
    letter = show(journal.store, "g1")
    assert (letter.entry.state, letter.entry.error) == ("dead", "hopeless")
    assert [(line.kind, line.summary) for line in letter.records] == [("delivery_dead", "hopeless")]


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ([], "no handler"),
        ([("a", None)], None),
        ([("a", "not ours"), ("b", None)], None),
        ([("a", "not ours"), ("b", "not ours")], "not ours"),
        ([("a", "not ours"), ("b", "too old")], "not ours; too old"),
    ],
)
async def test_delivery_is_skipped_when_every_handler_skipped_it(journal, runs, reason):
    await journal.claim(arrival())
    await end(journal, 1, *runs)
    assert (state(journal), show(journal.store, 1).entry.skip_reason) == ("done", reason)


async def test_finished_handlers_are_remembered_once(journal):
    await journal.claim(arrival())
    await end(journal, 1, ("a", None), ("a", "again"), ("b", None))
    assert journal.finished_handlers(1) == {"a", "b"}


async def test_what_ran_when_the_service_died_is_queued_again(journal):
    await journal.claim(arrival())
    await journal.claim(arrival("g2", b"{}"))
    await journal.start(1, "k")
    assert await journal.recover() == 2
    assert [journal.load(id).attempts for id in (1, 2)] == [1, 0]


async def test_what_kills_the_service_again_and_again_is_dead(journal):
    await journal.claim(arrival())
    for _ in range(MOST_CRASHES):
        await journal.start(1, "k")
        assert await journal.recover() == 1
    await journal.start(1, "k")
    assert (await journal.recover(), state(journal)) == (0, "dead")
    assert f"died while this was handled, attempt {MOST_CRASHES + 1}" in show(journal.store, 1).entry.error


async def test_open_rows_are_found_through_an_index(journal):
    await journal.claim(arrival())
    plan = journal.store.rows(
        sa.text("EXPLAIN QUERY PLAN SELECT id FROM deliveries WHERE state IN ('queued', 'running') ORDER BY id")
    )
    assert "deliveries_open" in plan[0].detail
