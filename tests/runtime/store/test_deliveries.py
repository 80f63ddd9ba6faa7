"""The journal as people see it."""

import pytest

from runtime.errors import UserError
from runtime.store import deliveries
from runtime.store.deliveries import KEEP_BODIES, KEEP_CLAIMS, backlog, count_by_state, forget, listing, replay, show
from runtime.store.journal import TOPIC, Arrival, Claim, Journal, finish, mark_handler


async def receive(store, guid, wanted=True):
    await Journal(store).claim(Arrival(guid, "issues", "opened", b'{"guid": "%s"}' % guid.encode(), wanted))
    return listing(store)[0].id


async def end(store, id, *runs):
    def job(tx):
        for handler, skip_reason in runs:
            mark_handler(tx, id, handler, skip_reason)
        finish(tx, id)

    await Journal(store).start(id, "k")
    await store.write(job)


async def bury(store, id):
    await Journal(store).start(id, "k")
    await Journal(store).bury(id, "hopeless")


async def test_newest_deliveries_come_first(store):
    for guid in ("g1", "g2", "g3"):
        await receive(store, guid)
    await end(store, 2)
    assert [entry.guid for entry in listing(store, limit=2)] == ["g3", "g2"]
    assert [entry.guid for entry in listing(store, state="queued")] == ["g3", "g1"]


async def test_delivery_is_shown_by_guid_or_number_with_all_it_caused(store):
    id = await receive(store, "g1")
    await store.write(lambda tx: tx.record("spawned", "A session.", session_id="app-1", branch="b"), cause=id)
    await end(store, id, ("issues.label", None))
    shown = show(store, "g1")
    assert shown == show(store, id)
    assert [(run.handler, run.skip_reason) for run in shown.runs] == [("issues.label", None)]
    assert [(line.summary, line.session_id, line.data) for line in shown.records] == [
        ("A session.", "app-1", {"branch": "b"})
    ]
    assert (shown.body, show(store, "g2")) == (b'{"guid": "g1"}', None)


@pytest.mark.parametrize("force", [False, True])
async def test_replay_runs_again_what_did_nothing(store, force):
    id = await receive(store, "g1")
    await end(store, id, ("acted", None), ("skipped", "no permission"))
    news = store.topic(TOPIC)
    news.clear()
    entry = await replay(store, "g1", force=force)
    assert (entry.state, entry.skip_reason, entry.finished_at) == ("queued", None, None)
    assert Journal(store).finished_handlers(id) == (set() if force else {"acted"})
    assert (news.is_set(), show(store, "g1").records[0].kind) == (True, "delivery_replayed")


@pytest.mark.parametrize("before", ["dead", "ignored"])
async def test_replay_takes_any_ended_delivery(store, before):
    id = await receive(store, "g1", wanted=before != "ignored")
    if before == "dead":
        await bury(store, id)
    entry = await replay(store, "g1")
    assert (entry.state, entry.attempts, entry.error) == ("queued", 0, None)


@pytest.mark.parametrize("before", ["queued", "running"])
async def test_replay_leaves_an_open_delivery_alone(store, before):
    id = await receive(store, "g1")
    if before == "running":
        await Journal(store).start(id, "k")
    assert (await replay(store, "g1")).state == before
    assert show(store, "g1").records == []


async def test_replay_of_what_is_not_there_says_where_to_look(store, clock):
    with pytest.raises(UserError, match="ao deliveries ls"):
        await replay(store, "g0")
    await end(store, await receive(store, "g1"))
    clock.now += KEEP_BODIES + 1
    await forget(store)
    with pytest.raises(UserError, match="settings on GitHub"):
        await replay(store, "g1")


async def test_bodies_go_after_8_days_and_claims_after_14(store, clock, monkeypatch):
    monkeypatch.setattr(deliveries, "_AT_A_TIME", 2)
    for n in range(5):
        await end(store, await receive(store, f"g{n}"), ("h", None))
    await bury(store, await receive(store, "dead"))
    await receive(store, "waiting")
    clock.now += KEEP_BODIES + 1
    newest = await receive(store, "new")
    assert await forget(store) == 5
    assert [show(store, f"g{n}").body for n in range(5)] == [None] * 5
    assert show(store, "dead").body and show(store, "waiting").body
    assert await Journal(store).claim(Arrival("g1", "issues", "opened", b"{}", True)) is Claim.DUPLICATE
    clock.now += KEEP_CLAIMS - KEEP_BODIES
    assert await forget(store) == 6
    assert [entry.guid for entry in listing(store)] == ["new", "waiting"]
    assert listing(store)[0].id == newest
    assert await forget(store) == 0


async def test_newest_row_stays_so_that_ids_are_not_used_again(store, clock):
    await end(store, await receive(store, "g1"))
    clock.now += KEEP_CLAIMS + 1
    await forget(store)
    assert await receive(store, "g2") == 2


async def test_backlog_has_a_count_and_an_age(store, clock):
    assert backlog(store) == (0, 0.0)
    await receive(store, "g1")
    clock.now += 5
    await receive(store, "g2")
    assert (backlog(store), count_by_state(store)) == ((2, 5.0), {"queued": 2})
