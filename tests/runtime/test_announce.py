"""What became true is said, once, in the transaction that made it so."""

import pytest
import sqlalchemy as sa

from runtime.announce import Announcer
from runtime.changes import StatusChanged, TurnEnded
from runtime.facts import Killed, Process, Pushed, Turn
from runtime.project import Times
from runtime.store import facts, messages, schema, sessions
from runtime.store.store import Store
from tests.fakes.bot import a_project
from tests.fakes.sessions import session

PROJECT = a_project(times=Times(idle_after=10, stuck_after=20))


@pytest.fixture
def heard():
    return []


@pytest.fixture
def store(quick_disk, clock, heard):
    stories = {StatusChanged: [lambda change, tx, project: heard.append(change)]}
    store = Store(quick_disk / "ao.db", clock=clock, judge=Announcer({"app": PROJECT}, stories))
    yield store
    store.close()


def claim(tx, project="app", issue=1):
    return sessions.claim(
        tx, project=project, prefix=project, repo="octo/app", issue=issue, title="t", task="t", agent="scripted",
        base="main", asked_by="maintainer",
    )  # fmt: skip


async def learn(store, *known, name="app-1"):
    def job(tx):
        for fact in known:
            facts.learn(tx, name, fact, source="test")

    await store.write(job)


def row(store, name="app-1"):
    return store.read(lambda sql: sessions.get(sql, name))


async def test_new_session_is_announced_with_what_came_before(store, heard, clock):
    await store.write(claim)
    [change] = heard
    assert (change.before, change.judgement.status, change.session.announced_status) == ("", "spawning", "spawning")
    assert row(store).announced_at == clock()


async def test_fact_that_changes_no_status_is_not_announced(store, heard):
    await store.write(claim)
    await learn(store, Pushed(sha="a" * 40))
    assert len(heard) == 1


async def test_same_status_for_another_reason_is_announced(store, heard):
    await store.write(claim)
    await store.write(lambda tx: sessions.step_done(tx, "app-1", facts.SPAWNED))
    assert [change.judgement.reason for change in heard] == ["spawn_requested", "waiting_for_agent"]


async def test_facts_of_one_transaction_are_judged_together(store, heard):
    await store.write(claim)
    await store.write(lambda tx: sessions.step_done(tx, "app-1", facts.SPAWNED))
    await learn(store, Turn(state="active"), Turn(state="ready"))
    assert [change.judgement.reason for change in heard][2:] == ["turn_finished"]


async def test_moment_of_the_next_look_is_kept(store, clock):
    await store.write(claim)
    await store.write(lambda tx: sessions.step_done(tx, "app-1", facts.SPAWNED))
    await learn(store, Turn(state="ready"))
    assert row(store).recheck_at == clock() + 10
    clock.passes(10)
    await store.write(lambda tx: tx.touched.add("app-1"))
    assert (row(store).announced_status, row(store).recheck_at) == ("idle", clock() + 10)


async def test_end_frees_the_issue_and_fails_what_still_waits(store, clock):
    await store.write(claim)
    add = {"kind": "person", "author": "me", "parts": {"body": "hi"}}
    waiting = await store.write(lambda tx: messages.add(tx, "app-1", source_key="k", **add))
    woken = store.topic("sessions")
    woken.clear()
    await learn(store, Killed(by="me"))
    message = store.read(lambda sql: messages.get(sql, waiting))
    assert (message.state, message.evidence) == ("failed", "the session has ended: manually_killed")
    assert (row(store).live, row(store).ended_at, woken.is_set()) == (False, clock(), True)
    assert (await store.write(claim)).id == "app-2"


async def test_failed_transaction_announces_nothing(store, heard):
    await store.write(claim)

    def job(tx):
        facts.learn(tx, "app-1", Killed(by="me"), source="test")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(job)
    assert (len(heard), row(store).live) == (1, True)


async def test_story_that_fails_undoes_the_change(store, heard, clock):
    await store.write(claim)
    store.judge._stories = {StatusChanged: [lambda *_: 1 / 0]}
    with pytest.raises(ZeroDivisionError):
        await learn(store, Killed(by="me"))
    assert row(store).live


async def test_session_of_a_project_that_is_gone_is_left_alone(store, heard):
    await store.write(lambda tx: claim(tx, "gone"))
    await learn(store, Killed(by="me"), name="gone-1")
    ended = TurnEnded(session=session(id="gone-1", project="gone"), facts=None, answered=(), last_message="", commit="")
    await store.write(lambda tx: tx.changes.append(ended))
    assert (heard, row(store, "gone-1").announced_status) == ([], "")


async def test_whoever_waits_for_the_session_is_woken(store):
    await store.write(claim)
    topic = store.topic("app-1")
    topic.clear()
    await learn(store, Pushed(sha="a" * 40))
    assert topic.is_set()


async def lost(store, clock, name="app-1"):
    await store.write(lambda tx: sessions.step_done(tx, name, facts.SPAWNED))
    await learn(store, Turn(state="ready"), Process(at=clock(), state="lost", pid=7), name=name)
    clock.passes(1)


async def test_sign_of_life_undoes_a_loss(store, clock, heard):
    await store.write(claim)
    add = {"kind": "person", "author": "me", "parts": {"body": "hi"}}
    waiting = await store.write(lambda tx: messages.add(tx, "app-1", source_key="k", **add))
    given_up = await store.write(lambda tx: messages.add(tx, "app-1", source_key="l", **add))
    await store.write(lambda tx: messages.mark(tx, messages.get(tx.sql, given_up), "failed", "three attempts"))
    clock.passes(1)
    await lost(store, clock)
    await store.write(lambda tx: sessions.step_done(tx, "app-1", "preserved", ref="r"))
    assert (row(store).live, row(store).announced_reason) == (False, "runtime_lost")
    woken = store.topic("sessions")
    woken.clear()
    await learn(store, Turn(at=clock(), state="active"))
    assert (row(store).live, row(store).ended_at, row(store).announced_status) == (True, None, "working")
    assert [store.read(lambda sql, one=one: messages.get(sql, one)).state for one in (waiting, given_up)] == [
        "queued", "failed",
    ]  # fmt: skip
    assert "preserved" not in store.read(lambda sql: sessions.steps(sql, "app-1"))
    assert woken.is_set()
    assert [change.judgement.status for change in heard][-2:] == ["killed", "working"]


async def test_what_was_being_typed_when_it_seemed_lost_is_looked_for_first(store, clock):
    await store.write(claim)
    add = {"kind": "person", "author": "me", "parts": {"body": "hi"}}
    typed = await store.write(lambda tx: messages.add(tx, "app-1", source_key="k", **add))
    await store.write(lambda tx: messages.mark(tx, messages.get(tx.sql, typed), "pasted", "typed", text="hi"))
    await lost(store, clock)
    await learn(store, Process(at=clock(), state="running", pid=7))
    assert store.read(lambda sql: messages.get(sql, typed)).state == "pasted"


async def test_sign_of_life_comes_too_late_when_another_session_has_the_issue(store, clock):
    await store.write(claim)
    await lost(store, clock)
    assert (await store.write(claim)).id == "app-2"
    await learn(store, Turn(at=clock(), state="active"))
    assert (row(store).live, row(store).announced_status, row(store).announced_reason) == (
        False, "terminated", "superseded",
    )  # fmt: skip
    assert row(store, "app-2").live
    await learn(store, Turn(at=clock() + 1, state="ready"))
    told = store.rows(sa.select(schema.records.c.summary).where(schema.records.c.kind == "superseded"))
    assert [one.summary for one in told] == [
        "app-1 lives after all, but app-2 works on the same by now: it stays ended"
    ]


@pytest.mark.parametrize("end", [Killed(by="me"), Process(state="exited", exit_code=0)])
async def test_other_ends_are_not_undone_by_signs_of_life(store, clock, end):
    await store.write(claim)
    await store.write(lambda tx: sessions.step_done(tx, "app-1", facts.SPAWNED))
    await learn(store, end)
    clock.passes(1)
    await learn(store, Turn(state="active"), Process(state="running", pid=7), Killed(by="x", reason="issue_closed"))
    assert not row(store).live
    if isinstance(end, Killed):
        assert row(store).announced_reason == "manually_killed"
