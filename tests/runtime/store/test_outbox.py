"""What is to be written on the forge."""

import pytest

from runtime.store import outbox


def ask(store, key="k", **more):
    values = {"kind": "comment", "repo": "o/r", "payload": {"number": 1, "body": "hi"}} | more
    return store.write(lambda tx: outbox.enqueue(tx, key=key, **values))


def revise(store, interval=0.0):
    return store.write(
        lambda tx: outbox.revise(
            tx, key="k", repo="o/r", payload={"number": 1}, session_id=None, edit_interval=interval
        )
    )


def the_row(store):
    return store.read(lambda sql: outbox.find(sql, "k"))


async def mark(store, how, **values):
    row = the_row(store)
    await store.write(lambda tx: how(tx, row, **values))


async def test_a_key_is_asked_for_once(store):
    assert await ask(store)
    assert not await ask(store, payload={"number": 1, "body": "again"})
    assert [row.payload["body"] for row in store.read(outbox.unsent)] == ["hi"]


async def test_rows_come_in_the_order_they_were_asked_for(store):
    for key in "cab":
        await ask(store, key)
    assert [row.key for row in store.read(outbox.unsent)] == ["c", "a", "b"]


async def test_a_sent_row_is_done_and_recorded(store):
    await ask(store)
    await mark(store, outbox.sending)
    assert the_row(store).uncertain
    await mark(store, outbox.sent, remote_id="12", result={"id": 12})
    assert not store.read(outbox.unsent)
    assert (the_row(store).state, the_row(store).result) == ("sent", {"id": 12})
    assert records(store) == ["outbox_queued", "outbox_sent"]


@pytest.mark.parametrize(("uncertain", "state"), [(True, "sending"), (False, "queued")])
async def test_an_uncertain_row_stays_uncertain_while_it_waits(store, uncertain, state):
    await ask(store)
    await mark(store, outbox.sending)
    await mark(store, outbox.retry, after=5.0, error="502", uncertain=uncertain)
    row = the_row(store)
    assert (row.state, row.not_before, row.attempts, row.error) == (state, 1005.0, 1, "502")
    await store.write(lambda tx: outbox.retry(tx, row, after=5.0, error="502", uncertain=uncertain))
    assert records(store) == ["outbox_queued", "outbox_deferred"]


async def test_a_failed_row_keeps_its_reason(store):
    await ask(store)
    await mark(store, outbox.failed, reason="gone", status=404)
    assert not store.read(outbox.unsent)
    assert (the_row(store).error, the_row(store).result) == ("gone", {"status": 404})
    assert records(store) == ["outbox_queued", "outbox_failed"]


async def test_edits_come_at_most_once_per_interval(store, clock):
    await revise(store, 10.0)
    assert the_row(store).not_before == 0.0
    await mark(store, outbox.sent, remote_id="1", result={})
    clock.now += 1
    await revise(store, 10.0)
    await revise(store, 10.0)
    row = the_row(store)
    assert (row.state, row.revision, row.not_before, row.remote_id) == ("queued", 3, 1010.0, "1")


async def test_an_edit_made_while_the_last_one_is_sent_is_not_lost(store, clock):
    await revise(store, 10.0)
    leaving = the_row(store)
    await mark(store, outbox.sending)
    await revise(store, 10.0)
    clock.now += 2
    await store.write(lambda tx: outbox.sent(tx, leaving, remote_id="1", result={}))
    row = the_row(store)
    assert (row.state, row.revision, row.sent_revision, row.not_before) == ("queued", 2, 1, 1012.0)


async def test_a_row_that_failed_for_good_is_not_revised_to_life(store):
    await revise(store)
    await mark(store, outbox.failed, reason="gone", status=404)
    await revise(store)
    assert the_row(store).state == "failed"


async def test_what_we_wrote_is_found_by_its_id_and_kind(store):
    await ask(store)
    await mark(store, outbox.sent, remote_id="12", result={})
    wrote = lambda *args: store.read(lambda sql: outbox.wrote(sql, *args))  # noqa: E731 - reads better here
    assert wrote("o/r", "12", ["comment"])
    assert not wrote("o/r", "12", ["reply"])
    assert not wrote("o/s", "12", ["comment"])


async def test_the_sender_and_who_waits_are_woken_after_the_commit(store):
    sender, waiter = store.topic(outbox.TOPIC), store.topic(outbox.topic_of("k"))
    await ask(store)
    assert sender.is_set()
    assert not waiter.is_set()
    await mark(store, outbox.failed, reason="no")
    assert waiter.is_set()


def records(store):
    from sqlalchemy import select

    from runtime.store.schema import records as table

    return [row.kind for row in store.rows(select(table.c.kind).order_by(table.c.id))]
