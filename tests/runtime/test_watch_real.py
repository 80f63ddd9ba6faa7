"""The watch in front of a real tmux server and real processes, in each kind of trouble."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from runtime.facts import Process
from runtime.ingest import ingest
from runtime.store import messages
from runtime.tmux import Tmux
from runtime.watch import Watch
from tests.fakes.hands import Deeds
from tests.waiting import gone


@pytest.fixture
async def place(bot, desk, tmp_path):
    """A session whose agent really runs, old enough to be judged."""
    await bot.starts()
    seat = await desk.seat(session="app-1")
    await ingest(bot.store, "app-1", seat.place.pushes)
    bot.clock.passes(31)
    return seat, watching(bot, desk, tmp_path, desk.tmux)


def watching(bot, desk, tmp_path, tmux):
    return Watch(Deeds(bot, tmp_path, tmux=tmux, launch_root=desk.root / "launch").hands)


async def looks(bot, watch, count):
    for _ in range(count):
        await watch.probe()
        bot.clock.passes(5)


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def server(desk):
    return int((await desk.tmux._run("display-message", "-p", "#{pid}")).stdout[0])


async def test_agent_at_work_is_seen_alive(bot, place):
    _, watch = place
    await looks(bot, watch, 3)
    assert (bot.status, bot.facts.probe) == (("working", "turn_finished"), None)
    assert bot.facts.process.boot
    assert bot.facts.process.ticks


async def test_server_that_hangs_ends_nobody(bot, desk, place, tmp_path):
    _, watch = place
    pid, hasty = await server(desk), Tmux(desk.tmux.socket, deadline=0.5)
    os.kill(pid, signal.SIGSTOP)
    try:
        await looks(bot, watching(bot, desk, tmp_path, hasty), 2)
        assert bot.status == ("detecting", "probe_error")
        add = {"kind": "person", "author": "me", "parts": {"body": "x"}}
        await bot.store.write(lambda tx: messages.add(tx, "app-1", source_key="k", **add))
    finally:
        os.kill(pid, signal.SIGCONT)
        hasty.close()
    await looks(bot, watch, 1)
    assert bot.status == ("working", "turn_finished")
    assert [message.state for message in bot.messages] == ["queued"]


async def test_agent_whose_terminal_lost_its_socket_is_seen_alive_all_the_same(bot, desk, place):
    _, watch = place
    desk.tmux.socket.unlink()
    await looks(bot, watch, 2)
    assert (bot.status, bot.facts.probe) == (("working", "turn_finished"), None)


async def test_agent_that_is_killed_says_by_which_signal(bot, place):
    seat, watch = place
    os.kill(bot.facts.process.pid, signal.SIGKILL)
    await seat.died()
    await looks(bot, watch, 1)
    assert (bot.status, bot.facts.process.signal) == (("errored", "agent_process_exited"), 9)


async def test_server_that_is_killed_is_named_as_what_took_the_agent(bot, desk, place):
    seat, watch = place
    await looks(bot, watch, 1)
    pid = await server(desk)
    os.kill(pid, signal.SIGKILL)
    await seat.pushed("exited")
    await gone(pid)
    await ingest(bot.store, "app-1", seat.place.pushes)
    await looks(bot, watch, 1)
    assert (bot.status, bot.facts.process.signal) == (("errored", "agent_process_exited"), signal.SIGHUP)
    assert bot.records("outage") == ["tmux has gone, and 1 agent with it"]


async def test_all_killed_at_once_without_a_word_is_a_loss(bot, desk, place):
    _, watch = place
    agent = bot.facts.process.pid
    all_of_it = [await server(desk), parent(parent(agent)), parent(agent), agent]
    for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, or one would tell how another one ended
        for pid in all_of_it[:: 1 if number == signal.SIGSTOP else -1]:
            os.kill(pid, number)
    await asyncio.gather(*map(gone, all_of_it))
    await looks(bot, watch, 1)
    assert bot.status == ("detecting", "tmux_missing")
    await looks(bot, watch, 1)
    assert (bot.status, bot.facts.process.detail) == (
        ("killed", "runtime_lost"),
        "its terminal is missing, its process is gone",
    )


async def test_number_of_a_dead_agent_that_was_given_again_keeps_nobody_alive(bot, desk, place):
    seat, watch = place
    await bot.learns(Process(state="running", pid=os.getpid(), boot=bot.facts.process.boot, ticks=1))
    await desk.tmux.kill_session("app-1")
    await seat.pushed("exited")
    os.truncate(seat.place.pushes, 0)  # its word is lost too
    await looks(bot, watch, 2)
    assert bot.status == ("killed", "runtime_lost")
