"""A machine that was started again has lost everything that ran."""

import pytest

from runtime.facts import Killed, Process
from runtime.reboot import notice_reboot
from runtime.said import Restored
from runtime.store import sessions


@pytest.fixture
async def three(bot):
    """Three sessions at work, seen in the first boot."""
    for _ in range(3):
        await bot.starts()
    await notice_reboot(bot.store, "first")
    bot.clock.passes(60)
    return bot


def told(bot, name):
    one = bot.store.read(lambda sql: sessions.get(sql, name))
    return one.announced_status, one.announced_reason, one.live


async def test_sessions_of_an_earlier_boot_are_lost_at_once(three):
    assert await notice_reboot(three.store, "second") == ["app-1", "app-2", "app-3"]
    assert {told(three, f"app-{n}") for n in (1, 2, 3)} == {("killed", "runtime_lost", False)}
    assert three.facts.process.detail == "the machine was started again"
    assert three.records("rebooted") == ["The machine was started again; agents lost by it: app-1, app-2, app-3"]
    assert await notice_reboot(three.store, "second") == []


@pytest.mark.parametrize("boot", ["first", ""])
async def test_same_boot_and_an_unknown_one_change_nothing(three, boot):
    assert await notice_reboot(three.store, boot) == []
    assert len(three.live) == 3


async def test_first_boot_of_all_is_only_noted(bot):
    await bot.starts()
    assert await notice_reboot(bot.store, "first") == []
    assert (len(bot.live), bot.records("rebooted")) == (1, [])


async def test_what_had_ended_or_not_begun_is_left_as_it_was(three, github):
    await three.learns(Process(state="exited", exit_code=3), name="app-1")
    await three.learns(Killed(by="me"), name="app-2")
    await three.receives(github.label(github.open_issue()))
    assert await notice_reboot(three.store, "second") == ["app-3"]
    assert told(three, "app-1")[:2] == ("errored", "agent_process_exited")
    assert told(three, "app-2")[:2] == ("killed", "manually_killed")
    assert told(three, "app-4") == ("spawning", "spawn_requested", True)


async def test_process_of_this_boot_lives(three):
    await three.learns(Process(state="running", pid=7, boot="second"), name="app-2")
    assert await notice_reboot(three.store, "second") == ["app-1", "app-3"]


async def test_lost_session_can_be_brought_back(three):
    await notice_reboot(three.store, "second")
    three.clock.passes(1)
    await three.learns(Restored(by="me"), name="app-1")
    await three.spawned("app-1")
    assert told(three, "app-1") == ("working", "turn_finished", True)


async def test_reboot_is_noticed_whole_or_not_at_all(three):
    judge, three.store.judge = three.store.judge, lambda tx: 1 / 0
    with pytest.raises(ZeroDivisionError):
        await notice_reboot(three.store, "second")
    three.store.judge = judge
    assert len(await notice_reboot(three.store, "second")) == 3
