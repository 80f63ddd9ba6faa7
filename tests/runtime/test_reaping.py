"""What outlives a terminal is found by where it was started from, and ended by number and start time."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import pytest

from runtime.hands import Patience
from runtime.reaping import Known, end_all, family, lives
from runtime.terminals import end_terminal
from tests.fakes.hands import Deeds
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

STUBBORN = "trap '' HUP TERM; echo up; while :; do sleep 60; done"
POLITE = "echo up; exec sleep 60"


@pytest.fixture
def start(tmp_path):
    """Start a shell line as an agent's own, and end it with everything below it at the end."""
    started = []

    def begin(line, **env):
        process = subprocess.Popen(
            ["/bin/sh", "-c", line], env={"PATH": os.environ["PATH"], **env}, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdout.readline() == b"up\n"
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def pids(known):
    return {one.pid for one in known}


def test_agent_and_all_below_it_are_found_and_nobody_else(start, tmp_path):
    agent = start(f"/bin/sh -c '{POLITE.replace('exec ', '')}; :' & wait", AO_LAUNCH=str(tmp_path / "s-1"))
    other = start(POLITE, AO_LAUNCH=str(tmp_path / "s-10"))
    found = pids(family(tmp_path / "s-1"))
    assert agent.pid in found and len(found) >= 2
    assert other.pid not in found and os.getpid() not in found


def test_child_that_dropped_its_environment_is_found_by_its_descent(start, tmp_path):
    start("env -i /bin/sleep 60 & echo up; wait", AO_LAUNCH=str(tmp_path / "s-1"))
    assert len(family(tmp_path / "s-1")) == 2


async def test_child_that_detached_itself_is_found_by_its_environment(start, tmp_path):
    start(f"(setsid /bin/sh -c '{POLITE}' &) ; exec sleep 60", AO_LAUNCH=str(tmp_path / "s-1"))
    await until(lambda: len(family(tmp_path / "s-1")) == 2)  # the shell in between may still be on its way out
    for one in family(tmp_path / "s-1"):
        os.kill(one.pid, signal.SIGKILL)


async def test_what_ignores_the_hang_up_is_ended_after_the_grace(start, tmp_path):
    process = start(STUBBORN, AO_LAUNCH=str(tmp_path / "s-1"))
    os.killpg(process.pid, signal.SIGHUP)
    known = family(tmp_path / "s-1")
    assert process.pid in await end_all(known, grace=0.1)
    assert not any(lives(one) for one in known)


async def test_end_of_a_terminal_says_what_had_to_be_ended(start, bot, tmp_path):
    deeds = Deeds(bot, tmp_path, patience=Patience(hang_up=0.05))
    start(STUBBORN, AO_LAUNCH=str(deeds.hands.place("app-1").directory))
    await end_terminal(deeds.hands, "app-1")
    (told,) = bot.records("reaped")
    assert told.startswith("app-1: ") and told.endswith(
        "of its processes ignored the end of their terminal and were ended"
    )


async def test_what_ends_by_itself_is_only_waited_for(start, tmp_path):
    process = start(POLITE, AO_LAUNCH=str(tmp_path / "s-1"))
    ending = asyncio.create_task(end_all(family(tmp_path / "s-1"), grace=5))
    await asyncio.sleep(0)
    process.terminate()
    assert await ending == []


async def test_number_that_was_given_to_another_process_is_left_alone(start, tmp_path):
    process = start(STUBBORN)
    assert await end_all([Known(process.pid, "1")], grace=0.05) == []
    assert process.poll() is None
