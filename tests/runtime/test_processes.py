"""What is certain about a process that was once started."""

import os
import subprocess
import sys
import time

import pytest

from runtime.facts import Process
from runtime.processes import has_ended, machine_started


@pytest.fixture
def ended():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_process_that_is_there_has_not_ended():
    assert not has_ended(Process(at=time.time(), state="running", pid=os.getpid()))


def test_number_that_nothing_has_belongs_to_nobody(ended):
    assert has_ended(Process(at=time.time(), state="running", pid=ended))


def test_what_ran_before_the_machine_started_has_ended_whoever_has_its_number_now(monkeypatch):
    before = Process(at=machine_started() - 1, state="running", pid=1)
    assert has_ended(before) is (machine_started() > 0)

    def refused(_pid, _signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert has_ended(before) is (machine_started() > 0)


@pytest.mark.parametrize("unknown", [None, Process(at=0.0, state="running")])
def test_nothing_is_certain_without_a_number(unknown):
    assert not has_ended(unknown)


def test_machine_that_does_not_tell_started_long_ago(tmp_path):
    assert machine_started(tmp_path / "none") == 0.0
    silent = tmp_path / "stat"
    silent.write_text("cpu 1 2 3\n")
    assert machine_started(silent) == 0.0
