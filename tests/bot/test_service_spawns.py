"""Starting sessions as the command line asks for it."""

import asyncio
from types import SimpleNamespace

import pytest

from bot.api.operation import Unknown
from bot.api.spawns import Outcome, Spawn, SpawnMany
from bot.service.spawns import Spawns
from runtime.errors import ForgeRefused, UserError, WrongUse
from runtime.facts import Killed, SpawnFailed
from runtime.project import Limits
from runtime.store.notes import REMEMBERED_FOR
from runtime.store.renumber import renumber
from tests.fakes.bot import a_project
from tests.fakes.hands import Deeds
from tests.waiting import until


@pytest.fixture
def make_spawns(tmp_path):
    def make(bot, broken=None):
        deeds = Deeds(bot, tmp_path)
        deeds.tmux.attach_command = lambda name: f"attach {name}"
        parts = SimpleNamespace(store=bot.store, projects=bot.projects, tmux=deeds.tmux, hands=deeds.hands)
        return Spawns(parts, broken or {})

    return make


@pytest.fixture
def spawns(bot, make_spawns):
    return make_spawns(bot)


async def test_claim_is_answered_at_once_and_the_start_waited_for(bot, spawns):
    made = await spawns.spawn(Spawn(prompt="Make it quick.", author="ann"))
    assert (made.id, made.state, made.attach_command, made.issue_id) == ("app-1", "starting", None, None)
    waiting = asyncio.create_task(spawns.started("app-1", patience=5))
    await asyncio.sleep(0)
    await bot.spawned("app-1")
    done = await waiting
    assert (done.state, done.attach_command, done.branch) == ("spawned", "attach app-1", "ao/app-1")
    assert (await spawns.started("app-1", patience=0)).state == "spawned"


async def test_request_that_comes_again_starts_no_second_session(bot, spawns, clock):
    wanted = Spawn(prompt="x", key="one")
    made = [await spawns.spawn(wanted), await spawns.spawn(wanted)]
    made += await asyncio.gather(*(spawns.spawn(Spawn(prompt="y", key="two")) for _ in range(2)))
    assert [one.id for one in made] == ["app-1", "app-1", "app-2", "app-2"]
    clock.passes(2 * REMEMBERED_FOR)
    await spawns.spawn(Spawn(prompt="z", key="three"))
    assert [row.key for row in bot.rows("notes") if row.key.startswith("request:")] == ["request:three"]


async def test_start_that_takes_long_is_not_waited_for_longer(bot, spawns):
    await spawns.spawn(Spawn(prompt="x"))
    assert (await spawns.started("app-1", patience=0.01)).state == "starting"
    with pytest.raises(Unknown):
        await spawns.started("app-9", patience=0)


async def test_place_in_the_queue_ends_the_waiting(make_bot, make_spawns):
    bot = make_bot(a_project(limits=Limits(sessions=1)))
    spawns = make_spawns(bot)
    for _ in range(2):
        last = await spawns.spawn(Spawn(prompt="x"))
    assert (last.state, last.queue_position) == ("queued", 1)
    assert (await spawns.started("app-2", patience=5)).queue_position == 1


async def test_failed_start_says_the_step_and_what_is_left(bot, spawns):
    await spawns.spawn(Spawn(prompt="x"))
    waiting = asyncio.create_task(spawns.started("app-1", patience=5))
    await bot.learns(SpawnFailed(step="workspace", error="no branch", left_behind=("gate (busy)", "terminal (no)")))
    with pytest.raises(UserError) as told:
        await waiting
    assert str(told.value) == (
        "app-1 could not start. Step `workspace` failed: no branch\nCould not be undone: gate (busy), terminal (no)."
    )


async def test_start_that_was_called_off_is_said(bot, spawns):
    await spawns.spawn(Spawn(prompt="x"))
    await bot.learns(Killed(by="me", reason="cancelled"))
    with pytest.raises(UserError, match="app-1 was ended before it had started"):
        await spawns.started("app-1", patience=5)


async def test_claimed_pull_request_is_named(bot, github, spawns):
    pull = github.open_pull("feat/x")
    made = await spawns.spawn(Spawn(pull=pull.number))
    assert (made.claimed_url, made.branch) == (f"https://gh/pull/{pull.number}", "feat/x")


async def test_broken_project_and_a_refusing_forge_are_told(bot, make_spawns):
    spawns = make_spawns(bot, {"lib": ("lib.repo: missing", "lib.agent: odd")})
    for wanted in (Spawn(prompt="x", project="lib"), Spawn(issue="lib/3")):
        with pytest.raises(WrongUse, match=r"Project lib does not work: lib.repo: missing; lib.agent: odd"):
            await spawns.spawn(wanted)
    bot.forge.broken = ForgeRefused("GitHub refused: 403", status=403)
    with pytest.raises(UserError, match="GitHub does not say: GitHub refused: 403"):
        await spawns.spawn(Spawn(issue="1"))


async def test_batch_skips_what_is_there_and_goes_on_after_a_failure(bot, github, spawns):
    one, two = github.open_issue(), github.open_issue()
    await spawns.spawn(Spawn(issue=str(one.number)))
    issues = [str(one.number), str(two.number), f"app/{two.number}", "99", "x"]
    found = await spawns.spawn_many(SpawnMany(issues=issues))
    assert [(each.result, each.session) for each in found] == [
        ("skipped", "app-1"), ("created", "app-2"), ("skipped", None), ("failed", None), ("failed", None),
    ]  # fmt: skip
    assert [each.why for each in found[:3]] == ["already has session app-1", "", "duplicate in this batch"]
    assert found[3].why.startswith("There is no issue #99")
    assert found[4].why.startswith("'x' is not an issue")
    assert isinstance(found[0], Outcome)


async def test_batch_at_the_same_moment_makes_one_session_per_issue(bot, github, spawns):
    issues = [str(github.open_issue().number) for _ in range(3)]
    twice = await asyncio.gather(*(spawns.spawn_many(SpawnMany(issues=issues)) for _ in range(2)))
    await until(lambda: True)
    assert sorted(each.result for found in twice for each in found) == ["created"] * 3 + ["skipped"] * 3
    assert len(bot.live) == 3


async def test_session_that_gets_another_number_is_waited_for_under_it(bot, spawns):
    made = await spawns.spawn(Spawn(prompt="x"))
    waiting = asyncio.create_task(spawns.started(made.id, patience=5))
    await asyncio.sleep(0)
    session = bot.session
    await bot.store.write(lambda tx: renumber(tx, session, "app"))
    await bot.spawned("app-2")
    assert (await waiting).id == "app-2"
