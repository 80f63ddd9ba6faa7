"""A terminal ends with everything that was started in it; an idle agent may say goodbye first."""

import contextlib
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime import agents
from runtime.hands import Patience
from runtime.launch import LaunchPlace
from runtime.reaping import family
from runtime.terminals import end_terminal, quit_agent
from tests.fakes.sessions import facts, session
from tests.runtime.test_scripted import rule
from tests.waiting import runs

STUBBORN = (
    '{shell = "trap : HUP TERM; (setsid sh -c \\"trap : HUP TERM; sleep 60; sleep 60\\" >/dev/null 2>&1 &); echo left"}'
)


@pytest.fixture
def hands(desk, bot):
    return SimpleNamespace(
        store=bot.store, tmux=desk.tmux, agents=agents.named, patience=Patience(hang_up=0.2),
        place=lambda name: LaunchPlace(desk.root / "launch" / name),
    )  # fmt: skip


def seen(seat, state):
    turn = SimpleNamespace(state=state)
    return SimpleNamespace(
        session=session(id="s-1"), facts=facts(turn=turn), agent_runs=True, steps={"terminal": {"pane": seat.pane}}
    )


async def test_what_an_agent_left_running_goes_with_its_terminal(desk, hands, caplog):
    seat = await desk.seat(rule(STUBBORN), prompt="go")
    await seat.pushed("turn_ended")
    assert len(family(seat.place.directory)) > 2
    await end_terminal(hands, "s-1")
    assert family(seat.place.directory) == frozenset()
    assert "s-1" not in await desk.tmux.panes()
    assert caplog.records[-1].session_id == "s-1"
    await end_terminal(hands, "s-1")


async def test_last_word_that_hangs_goes_with_the_terminal(desk, hands):
    seat = await desk.seat()
    (desk.root / "hang").write_text("#!/bin/sh\nexec env -i /bin/sh -c 'sleep 60; :' \"$0\"\n")
    (desk.root / "hang").chmod(0o700)
    (desk.root / "hang").replace(seat.place.push)
    await end_terminal(hands, "s-1")
    assert named(seat.place.push) == []


def named(path):
    """The processes that were started by this name, without those that only wait to be collected."""
    found = [int(one.name) for one in Path("/proc").glob("[0-9]*") if os.fsencode(path) in words_of(one)]
    return [pid for pid in found if runs(pid)]


def words_of(process):
    with contextlib.suppress(OSError):
        return (process / "cmdline").read_bytes().split(b"\0")
    return []


async def test_idle_agent_exits_by_itself(desk, hands):
    seat = await desk.seat(rule('{say = "hi"}'), prompt="go")
    await seat.pushed("turn_ended")
    await quit_agent(hands, seen(seat, "ready"))
    assert (await seat.pushed("exited"))["code"] == "0"


async def test_agent_that_is_at_work_is_not_typed_to(desk, hands):
    seat = await desk.seat(rule('"stuck"'), prompt="go")
    await seat.pushed("prompt")
    await quit_agent(hands, seen(seat, "active"))
    assert seat.pushes("turn_ended") == []
