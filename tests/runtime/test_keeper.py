"""A keeper does the next thing that the committed rows ask for, and can be stopped and run again anywhere."""

import asyncio
import contextlib
import json

import pytest

from runtime.errors import ForgeBusy, GitFailed, TmuxUnavailable, UserError
from runtime.facts import Killed, Paused, Process, Turn
from runtime.keeper import Keeper
from runtime.probe import Probe
from runtime.project import Limits
from runtime.store import messages, sessions
from tests.fakes.bot import a_project
from tests.fakes.hands import Deeds, FakeAgent
from tests.fakes.sessions import session
from tests.waiting import until


@pytest.fixture
def deeds(bot, tmp_path):
    return Deeds(bot, tmp_path)


@contextlib.asynccontextmanager
async def keeping(deeds, name="app-1"):
    task = asyncio.create_task(Keeper(deeds.hands, name).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def claimed(bot, github):
    await bot.receives(github.label(github.open_issue()))


async def queued(bot, body="Go on.", **more):
    add = {"kind": "person", "author": "me", "parts": {"body": body}, **more}
    return await bot.store.write(lambda tx: messages.add(tx, "app-1", source_key=f"k:{body}", **add))


def state_of(bot, identity):
    found = bot.store.read(lambda sql: messages.get(sql, identity))
    return found.state, found.evidence


SPAWN = ["open app-1", "open_gate app-1", "watch app-1", "new_session app-1"]


async def test_claimed_session_is_spawned_step_by_step(bot, github, deeds):
    await claimed(bot, github)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert deeds.did == SPAWN
    assert bot.status == ("spawning", "waiting_for_agent")
    [task] = bot.messages
    assert (task.kind, task.state, task.author) == ("task", "pasted", "maintainer")
    place = deeds.hands.place("app-1")
    assert (place.directory / "prompt.md").read_text() == task.text
    assert "GIT_TRACE=0" in (place.directory / "agent.sh").read_text()


@pytest.mark.parametrize(
    ("commands", "steps", "opened", "furnished"),
    [
        ((), 1, 2, 0), ((), 2, 2, 0),
        (("echo >>done",), 1, 2, 1), (("echo >>done",), 2, 2, 1), (("echo >>done",), 3, 1, 1)
    ],
)  # fmt: skip
async def test_spawn_that_was_cut_off_goes_on_where_it_stopped(
    make_bot, github, tmp_path, commands, steps, opened, furnished
):
    bot = make_bot(a_project(post_create=commands))
    deeds = Deeds(bot, tmp_path)
    deeds.workspaces.worktree(session()).mkdir(parents=True)
    await claimed(bot, github)
    written = 0
    write = bot.store.write

    async def dying(job, **more):
        nonlocal written
        written += 1
        if written == steps:
            raise asyncio.CancelledError
        return await write(job, **more)

    bot.store.write = dying
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(Keeper(deeds.hands, "app-1").run(), 30)
    bot.store.write = write
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert [message.kind for message in bot.messages] == ["task"]
    assert deeds.did.count("open app-1") == opened
    assert sorted(bot.records("step")) == sorted(set(bot.records("step")))
    done = deeds.workspaces.worktree(session()) / "done"
    assert (len(done.read_text()) if done.exists() else 0) == furnished


@pytest.mark.parametrize(
    ("where", "error", "step"),
    [
        ("workspaces", GitFailed("no branch main"), "workspace"),
        ("workspaces", OSError(28, "No space left on device"), "workspace"),
        ("agent", UserError("needs a script"), "launch"),
        ("gate", OSError(13, "Permission denied"), "gate"),
        ("tmux", TmuxUnavailable("no tmux"), "terminal"),
    ],
)
async def test_spawn_that_cannot_succeed_is_undone_and_said(bot, github, tmp_path, where, error, step):
    class Broken(FakeAgent):
        def prepare(self, place, task):
            raise error

    async def broken_gate(name):
        raise error

    changed = {"agent": {"agents": lambda _: Broken()}, "gate": {"open_gate": broken_gate}}
    deeds = Deeds(bot, tmp_path, **changed.get(where, {}))
    if where not in changed:
        getattr(deeds, where).broken = error
    await claimed(bot, github)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawn_failed)
    assert bot.facts.spawn_failed.step == step
    assert str(error)[:20] in bot.facts.spawn_failed.error
    assert (bot.live, bot.status) == ([], ("errored", "spawn_failed"))
    undone = [deed for deed in deeds.did if deed.split()[0] in ("kill_session", "close_gate", "close")]
    assert undone[:3] == ["kill_session app-1", "close_gate app-1", "close app-1 merged=False"]
    assert bool(bot.facts.spawn_failed.left_behind) is (where == "tmux")


async def test_spawn_without_room_on_the_disk_says_so(bot, github, tmp_path):
    deeds = Deeds(bot, tmp_path)
    deeds.workspaces.broken = GitFailed("git failed", stderr="No space left on device")
    await claimed(bot, github)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawn_failed)
    assert bot.facts.spawn_failed.error.endswith(" is full: free some space there (git failed)")


async def test_session_whose_name_the_forge_knows_starts_under_another(bot, github, tmp_path, deeds):
    deeds.workspaces.taken = {"ao/app-1"}
    await claimed(bot, github)
    async with keeping(deeds) as task:
        await asyncio.wait_for(task, 30)
    assert [one.id for one in bot.live] == ["app-2"]
    async with keeping(deeds, "app-2"):
        await until(lambda: bot.facts.spawned)
    assert deeds.did[:2] == ["open app-1", "open app-2"]
    assert not any("app-1" in deed for deed in deeds.did[1:])


async def test_session_whose_terminal_waits_fails_when_the_forge_knows_its_name(bot, github, deeds):
    await claimed(bot, github)
    await bot.store.write(lambda tx: sessions.step_done(tx, "app-1", "launch"))
    deeds.workspaces.taken = {"ao/app-1"}
    async with keeping(deeds):
        await until(lambda: bot.facts.spawn_failed)
    assert bot.facts.spawn_failed.error == "there is a branch ao/app-1"
    assert "kill_session app-1" in deeds.did
    assert bot.live == []


async def test_agent_is_let_go_when_its_worktree_is_finished(make_bot, github, tmp_path):
    bot = make_bot(a_project(post_create=("false",)))
    deeds = Deeds(bot, tmp_path)
    deeds.workspaces.worktree(session()).mkdir(parents=True)
    await claimed(bot, github)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawn_failed)
    assert (bot.facts.spawn_failed.step, "new_session app-1" in deeds.did) == ("launch", True)
    assert not deeds.hands.place("app-1").go.exists()


@pytest.mark.parametrize(
    ("agent", "asked", "told"), [("scripted", None, "best"), ("scripted", "other", "other"), ("codex", None, None)]
)
async def test_projects_model_is_for_its_own_agent(make_bot, github, tmp_path, agent, asked, told):
    models = []

    class Choosy(FakeAgent):
        def prepare(self, place, task):
            models.append(task.model)
            return super().prepare(place, task)

    bot = make_bot(a_project(model="best"))
    deeds = Deeds(bot, tmp_path, agents=lambda _: Choosy())
    await claimed(bot, github)
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", agent=agent, model=asked))
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert models == [told]


async def test_what_cannot_be_undone_is_named(bot, github, deeds):
    deeds.workspaces.broken, deeds.workspaces.stuck = GitFailed("no branch"), GitFailed("busy")
    await claimed(bot, github)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawn_failed)
    assert bot.facts.spawn_failed.left_behind == ("workspace (busy)",)
    assert bot.records("undo_failed") == ["app-1: not undone: workspace (busy)"]


async def test_spawn_waits_while_the_forge_is_busy(bot, github, deeds, caplog):
    deeds.workspaces.broken = ForgeBusy("limited", after=0.01)
    await claimed(bot, github)
    async with keeping(deeds):
        await until(lambda: deeds.did.count("open app-1") >= 2)
        deeds.workspaces.broken = None
        await until(lambda: bot.facts.spawned)
    assert bot.facts.spawn_failed is None
    assert not any(record.exc_info for record in caplog.records)


async def test_surprise_is_logged_with_its_cause_and_tried_again(bot, github, deeds, caplog):
    deeds.workspaces.broken = ZeroDivisionError("what?")
    await claimed(bot, github)
    async with keeping(deeds):
        await until(lambda: caplog.records)
    assert caplog.records[0].exc_info
    assert caplog.records[0].session_id == "app-1"


async def test_sessions_beyond_the_limit_wait_for_their_turn(make_bot, github, tmp_path):
    bot = make_bot(a_project(limits=Limits(sessions=1)))
    deeds = Deeds(bot, tmp_path)
    await bot.starts()
    await claimed(bot, github)
    async with keeping(deeds, "app-2"):
        await asyncio.sleep(0.02)
        assert deeds.did == []
        await bot.learns(Killed(by="me"), name="app-1")
        await until(lambda: "new_session app-2" in deeds.did)


async def test_message_is_typed_when_the_agent_is_ready_and_accepted_by_its_word(bot, deeds, tmp_path):
    await bot.starts()
    identity = await queued(bot)
    async with keeping(deeds):
        await until(lambda: "paste Go on." in deeds.did)
        deeds.hands.place("app-1").open()
        await bot.pushes(deeds.hands.place("app-1").pushes, {"kind": "prompt", "text": "Go on."})
        await until(lambda: state_of(bot, identity)[0] == "accepted")
    assert deeds.did.count("paste Go on.") == 1


@pytest.mark.parametrize(
    "fact",
    [
        Turn(state="active"), Turn(state="waiting"), Paused(paused=True, by="x"),
        Process(state="exited", exit_code=0), Probe(terminal="missing", attempts=1),
        Probe(terminal="unknown", attempts=1), Probe(terminal="alive", process="gone", attempts=1),
    ],
)  # fmt: skip
async def test_nothing_is_typed_unless_the_agent_is_ready(bot, deeds, fact):
    await bot.starts()
    bot.clock.passes(1)
    await bot.learns(fact)
    await queued(bot)
    async with keeping(deeds):
        await asyncio.sleep(0.03)
    assert not [deed for deed in deeds.did if deed.startswith(("paste", "press"))]


async def test_people_come_before_machines_and_the_settle_window_is_kept(bot, deeds):
    await bot.starts()
    await bot.store.write(
        lambda tx: messages.add(
            tx, "app-1", kind="ci", source_key="ci", author="CI", parts={}, not_before=bot.clock() + 60
        )
    )
    await queued(bot, "person")
    async with keeping(deeds):
        await until(lambda: "paste person" in deeds.did)
    assert not [deed for deed in deeds.did if "CI failed" in deed]


async def test_time_alone_changes_the_status(bot, deeds):
    await bot.starts()
    async with keeping(deeds):
        bot.clock.passes(400)
        bot.store.topic("app-1").set()
        await until(lambda: bot.status[0] == "idle")
        bot.clock.passes(300)
        bot.store.topic("app-1").set()
        await until(lambda: bot.status[0] == "stuck")


async def test_killed_session_is_cleared_and_its_keeper_ends(bot, deeds):
    await bot.starts()
    async with keeping(deeds) as task:
        await bot.learns(Killed(by="me"))
        await asyncio.wait_for(task, 30)
    assert deeds.did == [
        "kill_session app-1", "preserve app-1", "unwatch app-1", "close_gate app-1", "close app-1 merged=False",
    ]  # fmt: skip
    assert bot.facts.cleaned is not None


async def test_keeper_of_a_session_that_is_gone_ends(deeds):
    await asyncio.wait_for(Keeper(deeds.hands, "app-9").run(), 30)


async def test_message_that_nobody_needs_any_more_is_given_up_and_does_not_hold_up_others(bot, deeds):
    await bot.starts(turn="active")
    late = await queued(bot, "Lunch?", expires_at=bot.clock() + 60)
    async with keeping(deeds):
        bot.clock.passes(60)
        bot.store.topic("app-1").set()
        await until(lambda: state_of(bot, late)[0] == "failed")
    assert state_of(bot, late)[1] == "the agent had no time for it while it was of use"
    assert bot.said == []


async def test_comment_that_does_not_reach_the_agent_is_owned_up_to_once(bot, github, deeds):
    issue = github.open_issue()
    await bot.starts(issue, turn="active")
    await bot.receives(github.comment(issue, "One more thing\nand another."))
    pull = github.open_pull()
    await bot.receives(github.pull(pull))
    await bot.receives(github.review(pull, "commented", "Why?", ("a", 1, "x")))
    await bot.learns(Killed(by="me"))
    told = [text for text in bot.said if "has not reached" in text]
    why = "This has not reached the agent of `app-1`: the session has ended: manually_killed."
    assert told == [f"> One more thing\n\n{why}", f"> Why?\n\n{why}"]


async def test_what_an_agent_said_before_its_terminal_was_recorded_is_heard(bot, github, deeds):
    await claimed(bot, github)
    deeds.tmux.pane("app-1")
    steps = {"workspace": {"environment": {}}, "launch": {}}
    for name, data in steps.items():
        await bot.store.write(lambda tx, name=name, data=data: sessions.step_done(tx, "app-1", name, **data))
    place = deeds.hands.place("app-1")
    place.open()
    lines = [{"kind": "started", "pid": 1}, {"kind": "ready"}]
    place.pushes.write_text("".join(json.dumps({"at": bot.clock(), **line}) + "\n" for line in lines))
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
        await until(lambda: bot.facts.turn)
    assert bot.facts.turn.state == "ready"
