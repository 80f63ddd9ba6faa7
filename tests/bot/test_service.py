"""The running service as the command line asks it."""

import asyncio
import re
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from bot.api.operation import Unknown
from bot.api.records import Wanted
from bot.github.meter import Meter
from bot.service import Service
from runtime.errors import StoreBusy, TmuxUnavailable, UserError, WrongUse
from runtime.facts import Cleaned, Killed, SpawnFailed, Turn
from runtime.inbox import ACCEPTED, FAILED, PASTED
from runtime.said import Noted, Report
from runtime.store import facts, messages, outbox, sessions
from runtime.store.journal import Arrival, Journal
from tests.fakes.hands import FakeTmux, FakeWorkspaces
from tests.waiting import until


@pytest.fixture
def parts(bot, tmp_path):
    tmux = FakeTmux([])
    tmux.attach_command = lambda name: f"attach {name}"
    return SimpleNamespace(
        store=bot.store, projects=bot.projects, tmux=tmux, workspaces=FakeWorkspaces(tmp_path, []),
        hub=SimpleNamespace(meter=Meter()), receiver=SimpleNamespace(answers={("issues", 202): 3}),
        worker=SimpleNamespace(ended={("issues.x", "done"): 2}, seconds={"issues.x": 0.5}),
    )  # fmt: skip


@pytest.fixture
def service(parts):
    return Service(parts, {"broken": ("no repo",)})


def send(service, text="Go on.", **more):
    return service.messages.send("app-1", text, **{"author": None, "wait": False, "patience": 30, "key": None, **more})


async def test_sessions_are_listed_without_the_ended_ones(bot, service):
    await bot.starts()
    await bot.learns(Killed(by="me"))
    await bot.starts()
    listed, left_out = service.sessions.listing(project=None, ended=False)
    assert ([one.id for one in listed], left_out) == (["app-2"], 1)
    listed, left_out = service.sessions.listing(project="app", ended=True)
    assert ([one.id for one in listed], left_out) == (["app-1", "app-2"], 0)
    assert service.sessions.listing(project="other", ended=True) == ([], 0)


async def test_sessions_of_a_removed_project_do_not_spoil_the_list(bot, service):
    await bot.starts()
    await bot.store.write(
        lambda tx: sessions.claim(
            tx, project="gone", prefix="gone", repo="octo/gone", issue=1, title="t", task="t", agent="scripted",
            base="main", asked_by="x",
        )
    )  # fmt: skip
    assert [one.id for one in service.sessions.listing(project=None, ended=True)[0]] == ["app-1"]
    with pytest.raises(Unknown, match="There is no session gone-1"):
        service.sessions.get("gone-1")


async def test_session_shows_where_it_works_and_how_to_watch_it(bot, github, parts, service):
    await bot.receives(github.label(github.open_issue()))
    seen = service.sessions.get("app-1")
    assert (seen.status, seen.activity, seen.workspace_path, seen.attach_command) == ("spawning", None, None, None)
    await bot.spawned("app-1")
    (parts.workspaces.root / "app-1").mkdir(parents=True)
    seen = service.sessions.get("app-1")
    assert (seen.activity, seen.attach_command) == ("ready", "attach app-1")
    assert seen.workspace_path == str(parts.workspaces.root / "app-1")


async def test_review_comments_that_wait_are_pending_threads(bot, github, service):
    await bot.starts(turn="active")
    assert service.sessions.get("app-1").pending_threads is None
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    assert service.sessions.get("app-1").pending_threads == 0
    await bot.receives(github.review(pull, "commented", None, ("a", 1, "x"), ("b", 2, "y")))
    assert service.sessions.get("app-1").pending_threads == 2


async def test_unknown_session_is_told_how_to_list_them(service):
    with pytest.raises(Unknown, match="ao session ls"):
        service.sessions.get("app-9")


async def test_kill_waits_for_the_cleanup_and_says_what_was_kept(bot, service):
    await bot.starts()
    killing = asyncio.create_task(service.sessions.kill("app-1", reason=None, by=None))
    await until(lambda: bot.facts.killed)
    await bot.learns(Cleaned(preserved="refs/ao/preserved/app-1/1", repository="/repos/app.git"))
    killed = await asyncio.wait_for(killing, 30)
    assert (killed.already_terminated, killed.preserved) == (False, "refs/ao/preserved/app-1/1")
    again = await service.sessions.kill("app-1", reason=None, by=None)
    assert (again.already_terminated, again.preserved) == (True, "refs/ao/preserved/app-1/1")
    assert killed.repository == again.repository == "/repos/app.git"


async def test_kill_does_not_wait_for_ever(bot, service, monkeypatch):
    monkeypatch.setattr("bot.service.sessions.CLEANED_WITHIN", 0.01)
    await bot.starts()
    killed = await service.sessions.kill("app-1", reason=None, by=None)
    assert (killed.already_terminated, killed.preserved) == (False, None)


async def test_message_is_queued_and_no_one_waits(bot, service):
    await bot.starts(turn="active")
    sent = await send(service, author="maintainer")
    assert sent.result == "queued"
    [message] = bot.messages
    assert (message.id, message.kind, message.author, message.state) == (
        sent.message_id,
        "person",
        "maintainer",
        "queued",
    )
    await send(service, author="person")
    assert [said for said in bot.records("message") if "words" in said] == [
        "app-1: words from maintainer queued",
        "app-1: words from a person queued",
    ]


@pytest.mark.parametrize(
    ("turn", "reason"), [("active", "session finishing previous task"), ("ready", "on its way to the agent")]
)
async def test_message_that_no_one_waits_for_is_queued_for_a_true_reason(bot, service, turn, reason):
    await bot.starts(turn=turn)
    assert (await send(service)).reason == reason


@pytest.mark.parametrize(("state", "result"), [(ACCEPTED, "processing"), (FAILED, "failed")])
async def test_sender_waits_for_the_receipt(bot, service, state, result):
    await bot.starts()
    sending = asyncio.create_task(send(service, wait=True))
    await until(lambda: bot.messages)
    for step in (PASTED, state):
        [message] = bot.messages
        await bot.store.write(lambda tx, known=message, step=step: messages.mark(tx, known, step, "test"))
    assert (await asyncio.wait_for(sending, 30)).result == result


@pytest.mark.parametrize(("state", "result"), [(None, "queued"), (PASTED, "unconfirmed")])
async def test_sender_does_not_wait_longer_than_asked(bot, service, state, result):
    await bot.starts(turn="active")
    await send(service, key="k")
    [message] = bot.messages
    if state:
        await bot.store.write(lambda tx: messages.mark(tx, message, state, "test"))
    assert (await asyncio.wait_for(send(service, wait=True, patience=0.05, key="k"), 30)).result == result


async def test_nothing_is_sent_to_a_merged_session(bot, github, service):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    await bot.receives(github.merge(pull))
    with pytest.raises(UserError, match=r"is merged: `ao session restore app-1 --force`"):
        await send(service)
    assert [message.kind for message in bot.messages if message.kind != "task"] == []


async def test_request_that_is_repeated_makes_no_second_message(bot, service):
    await bot.starts(turn="active")
    first, second = await send(service, key="k-1"), await send(service, key="k-1")
    assert first.message_id == second.message_id
    assert len(bot.messages) == 1


async def test_messages_are_listed_with_how_far_they_have_come(bot, service):
    await bot.starts(turn="waiting")
    sent = await send(service, "Go on, please.")
    assert (sent.result, sent.reason) == ("queued", "the agent waits for a decision")
    [listed] = service.messages.listing("app-1")
    assert (listed.kind, listed.state, listed.text, listed.author) == ("person", "queued", "Go on, please.", "person")


async def test_deliveries_are_listed_shown_and_replayed(bot, github, service):
    await bot.receives(github.label(github.open_issue(), "bug"))
    await bot.receives(github.label(github.open_issue()))
    listed = service.deliveries.listing(state="done", limit=5)
    assert [one.guid for one in listed] == ["guid-2", "guid-1"]
    with pytest.raises(WrongUse, match="no state 'failed'; there are: queued, running, done, ignored, dead"):
        service.deliveries.listing(state="failed", limit=5)
    assert listed[1].skip_reason == "not a label that starts an agent"
    shown = service.deliveries.get("guid-2")
    assert [run.handler for run in shown.handlers] == ["issues.spawn_for_label"]
    assert shown.payload["action"] == "labeled"
    assert "claimed" in {record.kind for record in shown.records}
    replayed = await service.deliveries.replay("guid-1", force=False)
    assert replayed.state == "queued"
    with pytest.raises(Unknown, match="ao deliveries ls"):
        await service.deliveries.replay("guid-9", force=True)


async def test_records_can_be_followed(bot, github, service):
    assert service.records.newest() == 0
    following = asyncio.create_task(service.records.changed(after=0))
    await bot.receives(github.label(github.open_issue()))
    await asyncio.wait_for(following, 30)
    found, until = service.records.after(0, Wanted(), limit=2)
    assert ([one.id for one in found], until) == ([1, 2], 2)
    await asyncio.wait_for(service.records.changed(after=1), 30)
    newest = service.records.newest()
    assert service.records.after(newest, Wanted(), limit=5) == ([], newest)
    assert service.records.after(0, Wanted(kind="typed"), limit=5) == ([], newest)
    following = asyncio.create_task(service.records.changed(after=newest))
    await asyncio.sleep(0)
    bot.store.let_listeners_go()
    await asyncio.wait_for(following, 30)
    assert service.records.over


async def test_records_are_filtered_by_what_they_are_about(bot, github, service, clock):
    await bot.receives(github.label(github.open_issue(), "bug"))
    clock.now += 7200
    await bot.starts()
    await bot.learns(Killed(by="me"))

    async def found(text="", **want):
        return await service.records.listing(Wanted(**want), text=text, limit=1000)

    everything = await found()
    assert [one.id for one in everything] == list(range(len(everything), 0, -1))
    assert {one.session_id for one in await found(session="app-1")} == {"app-1"}
    assert {one.kind for one in await found(kind="claimed, step")} == {"claimed", "step"}
    assert {one.source for one in await found(source="push")} == {"push"}
    assert len(await found(since="1h")) == len(everything) - 1
    assert len(await found(since="2000-01-01")) == len(await found(project="app")) == len(everything)
    assert [one.kind for one in await found("killed", kind="transition")] == ["transition"]
    assert service.records.start(Wanted()) == everything[0].id
    assert service.records.start(Wanted(since="1h")) == 1
    counts = await service.records.counted(Wanted(since="1h", kind="claimed,step"))
    assert counts == {"step": 3, "claimed": 1}


@pytest.mark.parametrize(
    ("want", "says"),
    [
        ({"kind": "fact,nonsense"}, "There is no kind 'nonsense'; there are: claimed"),
        ({"level": "loud"}, "There is no level 'loud'; there are: info, warning, error"),
        ({"project": "x"}, "There is no project 'x'; there are: app"),
        ({"source": "gihtub"}, "There is no source 'gihtub'; there are: github, push, gate, tmux, person, time"),
        ({"since": "soon"}, "'soon' is no time; write 30m, 2h, 1d"),
    ],
)
async def test_filters_that_cannot_be_say_what_can(service, want, says):
    with pytest.raises(WrongUse, match=re.escape(says)):
        service.records.check(Wanted(**want))


@pytest.mark.parametrize("how", ["listing", "counted", "followed"])
async def test_session_that_never_was_has_no_records_to_look_for(service, how):
    want = Wanted(session="app-9")
    with pytest.raises(Unknown, match="no session app-9; list all with: ao session ls --include-terminated"):
        if how == "listing":
            await service.records.listing(want, text="", limit=5)
        elif how == "counted":
            await service.records.counted(want)
        else:
            service.records.check(want)


async def test_ended_orchestrator_is_no_hidden_session(bot, service):
    def ended(tx):
        for role in ("orchestrator", "worker"):
            made = sessions.claim(
                tx, project="app", prefix="app", repo="octo/app", issue=None, title="t", task="t", agent="scripted",
                base="main", asked_by="cli", role=role,
            )  # fmt: skip
            facts.learn(tx, made.id, Killed(by="me"), source="person")

    await bot.store.write(ended)
    assert service.sessions.listing(project=None, ended=False) == ([], 1)


async def test_status_counts_what_is_there_and_names_what_is_broken(bot, github, service):
    await bot.starts()
    sent = github.label(github.open_issue())
    del sent.payload["issue"]["title"]
    await bot.receives(sent)
    seen = service.status()
    assert (seen.live_sessions, seen.open_deliveries, seen.dead_deliveries, seen.api_calls) == (1, 0, 1, 0)
    assert [(one.id, one.problems) for one in seen.projects] == [("app", []), ("broken", ["no repo"])]


async def test_service_that_can_store_and_reach_tmux_is_ready(service, parts, monkeypatch):
    assert await service.not_ready() == []
    parts.tmux.broken = TmuxUnavailable("tmux did not answer in time")
    assert await service.not_ready() == ["tmux did not answer in time"]

    async def full():
        raise StoreBusy("cannot write ao.db: disk full")

    monkeypatch.setattr(parts.store, "prove_writable", full)
    assert await service.not_ready() == ["cannot write ao.db: disk full"]


async def test_figures_show_what_was_measured(bot, github, parts, service):
    await bot.starts()
    await bot.receives(github.push("main"))
    parts.hub.meter.count("GET", "200", remaining=4990)
    found = {(one.name, *sorted(one.labels.items())): one.value for one in service.figures()}
    assert found["ao_sessions_live",] == 1
    assert found["ao_deliveries", ("state", "done")] == 2
    assert found["ao_answers", ("code", "202"), ("event", "issues")] == 3
    assert found["ao_handler_runs", ("handler", "issues.x"), ("result", "done")] == 2
    assert found["ao_handler_seconds", ("handler", "issues.x")] == 0.5
    assert found["ao_github_requests", ("method", "GET"), ("result", "200")] == 1
    assert found["ao_github_remaining",] == 4990


async def test_figures_leave_out_what_is_not_known(service):
    assert "ao_github_remaining" not in {one.name for one in service.figures()}


async def test_stuck_is_idle_to_people_who_ask(bot, service, clock):
    await bot.starts()
    await bot.learns(Turn(state="ready"))
    clock.passes(400)
    assert service.sessions.get("app-1").activity == "idle"


SECRET = "ghp_" + "a1B2c3D4" * 5


async def _through_every_door(bot, github, tmp_path):
    """Let people, agents, git and GitHub say a secret wherever they can say anything."""
    issue = github.open_issue(f"Title {SECRET}", f"Body {SECRET}")
    await bot.starts(issue)
    await bot.receives(github.comment(issue, f"Use {SECRET}"))
    await bot.receives(github.comment(issue, f"Use {SECRET}", by=github.person("read")))
    await bot.learns(
        Turn(state="waiting", question=f"May I use {SECRET}?", last_message=f"I have {SECRET}"),
        SpawnFailed(step="workspace", error=f"cannot read https://x:{SECRET}@github.com", left_behind=(SECRET,)),
        Noted(key="password", value="hunter2-and-more", by="octo"),
        Report(state="working", note=SECRET),
    )
    said = bot.messages[-1]
    await bot.store.write(lambda tx: messages.mark(tx, said, FAILED, f"refused: {SECRET}", text=SECRET))
    for row in bot.store.read(outbox.unsent):
        await bot.store.write(
            lambda tx, row=row: outbox.retry(tx, row, after=1, error=f"502 {SECRET}", uncertain=False)
        )
        await bot.store.write(lambda tx, row=row: outbox.failed(tx, row, f"422 {SECRET}"))
    journal = Journal(bot.store)
    await journal.claim(Arrival("again", "push", None, b"{}", True))
    (open_id,) = journal.open_ids()
    await journal.start(open_id, "octo/app")
    await journal.retry(open_id, not_before=0.0, error=f"KeyError: {SECRET}")
    await journal.start(open_id, "octo/app")
    await journal.bury(open_id, f"KeyError: {SECRET}")


async def test_no_secret_that_is_said_anywhere_gets_into_the_trail(bot, github, tmp_path):
    await _through_every_door(bot, github, tmp_path)
    texts = "SELECT summary || ' ' || data FROM"
    query = sa.text(f"{texts} records UNION ALL {texts} records_search")
    told = [row[0] for row in bot.store.rows(query)]
    assert sum("[redacted]" in text for text in told) > 20
    assert [text for text in told if SECRET[4:12] in text or "hunter2" in text] == []
    for table in ("records_search_data", "records_search_idx"):
        for row in bot.store.rows(sa.text(f"SELECT * FROM {table}")):
            assert b"a1b2c3d4" not in str(tuple(row)).lower().encode()
    kept_elsewhere = sa.text("SELECT error FROM deliveries UNION ALL SELECT error FROM outbox")
    assert [row[0] for row in bot.store.rows(kept_elsewhere) if row[0] and SECRET in row[0]] == []
    assert {row.kind for row in bot.store.rows(sa.text("SELECT DISTINCT kind FROM records"))} >= {
        "fact", "message", "skip", "trust", "undo_failed", "delivery_failed", "delivery_dead", "outbox_deferred",
        "outbox_failed", "outbox_queued",
    }  # fmt: skip
