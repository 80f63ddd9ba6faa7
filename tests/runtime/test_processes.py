"""What is certain about a process that was once started."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime import processes
from runtime.facts import Process
from runtime.host import boot_id, machine_started, read_boot_id
from runtime.processes import is_agent, life

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells it under /proc")


def running(pid, **more):
    return Process(at=time.time(), state="running", pid=pid, **more)


def ticks(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


@pytest.fixture
def ended():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@LINUX
def test_process_that_began_when_ours_did_is_ours():
    assert life(running(os.getpid(), boot=boot_id(), ticks=ticks(os.getpid()))) == "alive"


@LINUX
def test_another_process_with_the_number_is_not_ours():
    assert life(running(os.getpid(), boot=boot_id(), ticks=ticks(os.getpid()) - 1)) == "gone"


def test_number_alone_proves_nothing():
    assert life(running(os.getpid())) == "unknown"


def test_number_that_nothing_has_belongs_to_nobody(ended):
    assert life(running(ended)) == "gone"


@LINUX
def test_process_that_has_ended_and_is_not_collected_is_gone():
    child = subprocess.Popen([sys.executable, "-c", ""])
    ours = running(child.pid, boot=boot_id(), ticks=ticks(child.pid))
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert life(ours) == "gone"
    child.wait()


def test_nothing_is_looked_for_by_a_number_of_an_earlier_boot(monkeypatch):
    monkeypatch.setattr(processes, "boot_id", lambda: "today")
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("looked for by its number"))
    assert life(running(1, boot="yesterday", ticks=1)) == "gone"


def test_what_ran_before_the_machine_started_has_ended_whoever_has_its_number_now(monkeypatch):
    before = Process(at=machine_started() - 1, state="running", pid=1)
    expected = "gone" if machine_started() > 0 else "unknown"
    assert life(before) == expected

    def refused(_pid, _signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert life(before) == expected


@pytest.mark.parametrize("unknown", [None, Process(state="running"), running(0), running(-1), running(10**30)])
def test_nothing_is_certain_without_a_number(unknown):
    assert life(unknown) == "unknown"


def test_process_whose_beginning_the_kernel_does_not_tell_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert life(running(os.getpid(), boot=boot_id(), ticks=1)) == "unknown"
    (tmp_path / str(os.getpid())).mkdir()
    (tmp_path / str(os.getpid()) / "stat").write_text("1 (x) S")
    assert life(running(os.getpid(), boot=boot_id(), ticks=1)) == "unknown"


def test_machine_that_does_not_tell_started_long_ago(tmp_path):
    assert machine_started(tmp_path / "none") == 0.0
    silent = tmp_path / "stat"
    silent.write_text("cpu 1 2 3\n")
    assert machine_started(silent) == 0.0


@LINUX
def test_boot_is_known_by_its_id(tmp_path):
    assert len(boot_id()) == 36
    assert read_boot_id(tmp_path / "none") == ""


def test_boot_of_a_mac_is_asked_of_sysctl(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "darwin")
    asked = []

    def said(argv, **_):
        asked.append(argv)
        return subprocess.CompletedProcess(argv, 0, "6F-1\n")

    monkeypatch.setattr(subprocess, "run", said)
    assert read_boot_id(tmp_path / "none") == "6F-1"
    assert asked == [["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]]

    def missing(argv, **_):
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    assert read_boot_id(tmp_path / "none") == ""


@LINUX
@pytest.mark.parametrize("argv", [["sh", "-c", "read x; exit"], [sys.executable, "-c", "input()"]])
def test_agent_that_has_become_a_shell_is_gone(argv, until_runs):
    child = until_runs(argv)
    ours = running(child.pid, boot=boot_id(), ticks=ticks(child.pid))
    shell = argv[0] == "sh"
    assert (life(ours), is_agent(ours)) == (("gone", False) if shell else ("alive", True))


@pytest.fixture
def until_runs():
    children = []

    def run(argv):
        child = subprocess.Popen(argv, stdin=subprocess.PIPE)
        children.append(child)
        # The kernel names the process before it shows these.
        while Path(f"/proc/{child.pid}/cmdline").read_text().split("\0")[:-1] != argv:
            time.sleep(0.001)
        return child

    yield run
    for child in children:
        child.communicate(b"\n")


def test_agent_is_there_unless_it_is_certainly_not(ended):
    assert is_agent(None)
    assert is_agent(running(1))
    assert not is_agent(running(ended))
