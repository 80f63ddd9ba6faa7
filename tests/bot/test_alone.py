"""One service for a data directory."""

import os
import subprocess
import sys

import pytest

from bot.alone import alone
from runtime.errors import ConfigError


def hold(place):
    with alone(place):
        pass


def test_another_service_is_told_which_process_is_there(tmp_path):
    with alone(tmp_path), pytest.raises(ConfigError, match=rf"running there already \(process {os.getpid()}\)"):
        hold(tmp_path)


def test_the_next_one_may_come_however_the_first_has_ended(tmp_path):
    hold = (
        "import os, pathlib, sys, bot.alone\nwith bot.alone.alone(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", hold, tmp_path], check=False).returncode == -9
    with alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_programs_that_a_service_started_do_not_hold_it(tmp_path):
    with alone(tmp_path):
        left = subprocess.Popen(["sleep", "60"])
    try:
        hold(tmp_path)
    finally:
        left.kill()
        left.wait()


def test_directory_that_cannot_be_locked_is_said_with_what_to_do(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(ConfigError, match=r"cannot be locked \(Is a directory\): make room on the disk, or choose"):
        hold(tmp_path)
