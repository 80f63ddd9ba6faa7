"""What a restore commits, and how the keeper starts the session again."""

import asyncio
import contextlib
import itertools

import msgspec
import pytest

from runtime.agents import Capabilities, named
from runtime.errors import GitFailed, UserError
from runtime.facts import AgentInfo, Cleaned, Killed, Process, Turn
from runtime.keeper import Keeper
from runtime.launch import LaunchPlace
from runtime.look import look
from runtime.restore import bring_back, why_not
from runtime.store import facts, messages, sessions
from tests.fakes.forge import as_fact
from tests.fakes.hands import Deeds, FakeAgent
from tests.waiting import until


class Resumable(FakeAgent):
    """Notes what it was asked to resume."""

    capabilities = Capabilities(can_resume=True)

    def __init__(self):
        self.resumed = []

    def prepare(self, place, task):
        self.resumed.append(task.resume)
        return super().prepare(place, task)


@pytest.fixture
def agent():
    return Resumable()


@pytest.fixture
def deeds(bot, tmp_path, agent):
    return Deeds(bot, tmp_path, agents=lambda _: agent)


@contextlib.asynccontextmanager
async def keeping(deeds, name="app-1"):
    task = asyncio.create_task(Keeper(deeds.hands, name).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def seen(bot, name="app-1"):
    return bot.store.read(lambda sql: look(sql, name))


async def restore(bot, name="app-1", **more):
    bot.clock.passes(1)
    session = seen(bot, name).session
    await bot.store.write(lambda tx: bring_back(tx, session, by="me", **more))
    bot.clock.passes(1)


async def killed(bot):
    await bot.starts()
    await bot.learns(Killed(by="me"), Cleaned())


async def queued(bot, body, kind="person", name="app-1"):
    add = {"kind": kind, "author": "me", "parts": {"body": body}}
    return await bot.store.write(lambda tx: messages.add(tx, name, source_key=f"k:{body}", **add))


def states(bot):
    return {message.parts.get("body"): message.state for message in bot.messages if message.kind != "task"}


ENDS = [
    Killed(by="me"), Killed(by="me", reason="issue_closed"), Process(state="lost"),
    Process(state="exited", exit_code=1),
]  # fmt: skip


@pytest.mark.parametrize("fact", ENDS)
async def test_ended_session_is_live_again_as_the_same(bot, fact):
    before = await bot.starts()
    await bot.learns(fact)
    assert bot.live == []
    assert why_not(seen(bot)) is None
    await restore(bot)
    assert bot.status == ("spawning", "spawn_requested")
    same = ("id", "branch", "issue", "title", "task", "created_at")
    assert [getattr(bot.session, name) for name in same] == [getattr(before, name) for name in same]
    assert bot.facts.restored.by == "me"


async def test_restored_session_ends_like_any_other(bot):
    await killed(bot)
    await restore(bot)
    await bot.spawned("app-1")
    await bot.learns(Killed(by="me again"))
    assert (bot.live, bot.status) == ([], ("killed", "manually_killed"))
    assert [one.id for one in bot.store.read(sessions.unfinished)] == ["app-1"]


async def test_live_session_needs_no_restore(bot):
    await bot.starts()
    assert "app-1 is live (working): watch it with `ao session attach app-1`" in why_not(seen(bot))


async def test_two_who_ask_at_once_get_one(bot):
    await killed(bot)
    await asyncio.gather(restore(bot), restore(bot))
    assert len(bot.records("restored")) == 1


async def test_merged_session_comes_back_only_by_force(bot, github):
    await bot.starts()
    await bot.receives(github.merge(github.open_pull()))
    assert "pull request #2 of app-1 is merged" in why_not(seen(bot))
    assert why_not(seen(bot), force=True) is None
    await restore(bot)
    assert bot.status == ("spawning", "spawn_requested")
    assert bot.facts.pull_requests == ()


async def test_merge_that_is_told_again_does_not_end_a_restored_session(bot, github):
    await bot.starts()
    pull = github.open_pull()
    await bot.receives(github.merge(pull))
    await restore(bot)
    await bot.learns(as_fact(pull))
    await bot.receives(github.pull(pull, "edited"))
    assert bot.session.live


async def test_issue_that_has_another_session_keeps_it(bot, github):
    issue = github.open_issue()
    await bot.starts(issue)
    await bot.learns(Killed(by="me"))
    await bot.receives(github.label(issue))
    with pytest.raises(UserError, match="app-2 works on issue #1 now: talk to that one, or end it"):
        await restore(bot)
    assert [one.id for one in bot.live] == ["app-2"]


async def test_branch_that_another_session_works_on_is_not_taken_back(bot, github):
    await killed(bot)
    other = await bot.starts()
    await bot.store.write(lambda tx: sessions.change(tx, other.id, branch="ao/app-1"))
    with pytest.raises(UserError, match="app-2 works on the branch ao/app-1 now"):
        await restore(bot)


async def test_messages_that_only_the_end_kept_back_wait_again(bot):
    await bot.starts(turn="active")
    await queued(bot, "and a test")
    await queued(bot, "stale", kind="ci")
    bot.clock.passes(1)
    await bot.learns(Process(state="exited", exit_code=1))
    assert states(bot) == {"and a test": "failed", "stale": "failed"}
    await restore(bot)
    assert states(bot) == {"and a test": "queued", "stale": "failed"}


async def test_message_that_failed_for_its_own_reason_stays_failed(bot):
    await bot.starts()
    identity = await queued(bot, "never")
    message = bot.store.read(lambda sql: messages.get(sql, identity))
    await bot.store.write(lambda tx: messages.mark(tx, message, "failed", "not taken in"))
    bot.clock.passes(1)
    await bot.learns(Killed(by="me"))
    await restore(bot)
    assert states(bot) == {"never": "failed"}


async def test_clock_that_was_set_back_does_not_undo_a_restore(bot):
    await killed(bot)
    bot.clock.passes(-3600)
    await restore(bot)
    assert bot.session.live


async def test_keeper_starts_it_again_in_its_worktree(bot, deeds):
    await killed(bot)
    await restore(bot)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert deeds.did == ["kill_session app-1", "reopen app-1", "open_gate app-1", "watch app-1", "new_session app-1"]
    assert bot.facts.restored.how == "fresh"
    assert bot.status == ("spawning", "waiting_for_agent")


async def test_session_that_never_had_a_worktree_is_spawned(bot, github, deeds):
    await bot.receives(github.label(github.open_issue()))
    await bot.learns(Killed(by="me"), Cleaned())
    await restore(bot)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert "open app-1" in deeds.did and "reopen app-1" not in deeds.did


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_restore_that_was_cut_off_goes_on_where_it_stopped(bot, deeds, steps):
    await killed(bot)
    await restore(bot)
    written, write = itertools.count(1), bot.store.write

    async def dying(job, **more):
        if next(written) == steps:
            raise asyncio.CancelledError
        return await write(job, **more)

    bot.store.write = dying
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(Keeper(deeds.hands, "app-1").run(), 30)
    bot.store.write = write
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert len([one for one in bot.messages if one.kind == "task"]) == 1
    assert deeds.did.count("reopen app-1") == (2 if steps == 1 else 1)


async def test_agent_with_a_session_of_its_own_goes_on_with_it(bot, deeds, agent):
    await killed(bot)
    await bot.learns(AgentInfo(native_id="native-1"))
    await restore(bot)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert agent.resumed == ["native-1"]
    assert (bot.facts.restored.how, bot.facts.restored.why_fresh) == ("resumed", "")
    assert bot.messages[-1].text.startswith("You were cut off (manually killed) and are back")


async def test_agent_without_one_starts_afresh_and_is_told_what_was_begun(bot, github, deeds, agent):
    await bot.starts()
    await bot.receives(github.pull(github.open_pull()))
    await bot.learns(Killed(by="me"), Cleaned())
    await restore(bot)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert agent.resumed == [None]
    assert bot.facts.restored.why_fresh == "scripted has not said which session of its own it was"
    prompt = bot.messages[-1].text
    assert prompt.startswith("You are working on issue #1") and "This task was begun before" in prompt
    assert "#2 is open already" in prompt


async def test_agent_whose_own_record_is_gone_starts_afresh(bot, deeds, agent):
    await killed(bot)
    await bot.learns(AgentInfo(native_id="forgotten"))
    await restore(bot)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert agent.resumed == [None]
    assert bot.facts.restored.why_fresh == "the record of its own session is gone, so scripted cannot go on with it"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("claude-code", ".claude/projects/-w/a1-b2.jsonl"),
        ("codex", ".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-a1-b2.jsonl"),
        ("scripted", ".scripted/own-a1b2"),
    ],
)
def test_agents_know_where_their_own_records_are(tmp_path, name, file):
    place, own = LaunchPlace(tmp_path / "launch"), "a1b2" if name == "scripted" else "a1-b2"
    asked = named(name), place, {"HOME": str(tmp_path)}
    assert not asked[0].remembers(*asked[1:], own)
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    assert asked[0].remembers(*asked[1:], own)
    assert not asked[0].remembers(*asked[1:], "*")


async def test_agent_that_cannot_resume_says_so(bot, tmp_path):
    deeds = Deeds(bot, tmp_path)
    await killed(bot)
    await restore(bot)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert bot.facts.restored.why_fresh == "scripted cannot go on with a session of its own that has ended"


async def test_agent_that_ends_instead_of_resuming_is_started_afresh(bot, deeds, agent):
    await killed(bot)
    await bot.learns(AgentInfo(native_id="native-1"))
    await restore(bot)
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
        bot.clock.passes(1)
        await bot.learns(Process(state="exited", exit_code=1))
        bot.clock.passes(1)
        await until(lambda: bot.session.live and len(agent.resumed) == 2)
        await until(lambda: bot.facts.spawned)
    assert agent.resumed == ["native-1", None]
    assert bot.facts.restored.why_fresh == "scripted ended again when it was to go on with its own session"
    assert bot.facts.restored.by == "me"


async def test_what_the_lost_agent_had_taken_in_is_asked_again(bot, deeds):
    await bot.starts()
    identity = await queued(bot, "please")
    message = bot.store.read(lambda sql: messages.get(sql, identity))
    await bot.store.write(lambda tx: messages.mark(tx, message, "accepted", "reported"))
    await bot.learns(Killed(by="me"))
    await restore(bot)
    assert states(bot) == {"please": "accepted"}
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    assert states(bot) == {"please": "queued"}


async def test_start_that_fails_leaves_the_earlier_agents_work_alone(bot, deeds):
    await bot.starts()
    await bot.learns(Process(state="exited", exit_code=1))
    deeds.tmux.broken = None
    await restore(bot)
    deeds.workspaces.broken = GitFailed("no space")
    async with keeping(deeds):
        await until(lambda: bot.facts.spawn_failed)
        await until(lambda: "preserve app-1" in deeds.did)
    assert bot.status == ("errored", "spawn_failed")
    assert "close app-1 merged=False" not in deeds.did
    assert why_not(seen(bot)) is None


async def test_what_the_earlier_agent_pushed_is_the_past(bot, deeds):
    await bot.starts()
    await bot.learns(Process(state="lost"))
    place = deeds.hands.place("app-1")
    place.open()
    await restore(bot)
    await bot.pushes(place.pushes, {"kind": "exited", "code": 1})
    assert bot.session.live
    async with keeping(deeds):
        await until(lambda: bot.facts.spawned)
    await bot.pushes(place.pushes, {"kind": "ready"})
    assert bot.session.live
    assert bot.facts.turn == msgspec.structs.replace(Turn(state="ready"), at=bot.facts.turn.at, number=0)


async def test_restore_while_the_end_is_under_way_wins(bot, deeds):
    await bot.starts()
    await bot.learns(Killed(by="me"))
    closing, go_on = asyncio.Event(), asyncio.Event()

    async def close(session, *, merged):
        closing.set()
        await go_on.wait()
        return ""

    deeds.workspaces.close = close
    async with keeping(deeds):
        await closing.wait()
        await restore(bot)
        go_on.set()
        await until(lambda: bot.facts.spawned)
    assert bot.session.live and bot.facts.cleaned is None
    assert "preserved_last" not in bot.store.read(lambda sql: sessions.steps(sql, "app-1"))


async def test_status_comment_is_written_again(bot):
    await killed(bot)
    before = bot.rows("outbox", kind="status_comment")[0].revision
    await restore(bot)
    assert bot.rows("outbox", kind="status_comment")[0].revision > before
    assert facts.SPAWNED not in seen(bot).steps
