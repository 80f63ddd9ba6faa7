"""The command of the demo, as a person meets it: watched, tried by hand, interrupted."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE = 90
HOME = re.compile(r"(/\S*ao-demo-\w+)/service\.log")


@contextlib.contextmanager
def _demo(where, *options):
    """Run `ao demo` in a process group of its own, its output in a file."""
    output = where / "output"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", *options],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**kept, "LANG": "C.UTF-8", "TMPDIR": str(where)},
            start_new_session=True,
        )
    try:
        yield process, output
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture
def where():
    """A short directory that holds all the demo's traces."""
    place = Path(subprocess.check_output(["mktemp", "-d", "/tmp/ao-XXXXXX"], text=True).strip())
    yield place
    shutil.rmtree(place)


def _until(look, process):
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert process.poll() is None, "the demo has ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def _nothing_is_left(where):
    assert [path.name for path in where.iterdir()] == ["output"]
    commands = subprocess.check_output(["ps", "-A", "-ww", "-o", "args="], text=True)
    assert [line for line in commands.splitlines() if str(where) in line] == []


def _run(line):
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60, check=True).stdout


def test_what_keep_suggests_works_and_ctrl_c_leaves_nothing(where):
    with _demo(where, "--keep", "--speed", "20") as (process, output):
        _until(lambda: "Ctrl-C ends everything" in output.read_text(), process)
        said = output.read_text()
        (curl,) = re.findall(r"^curl .*", said, re.MULTILINE)
        (send,) = re.findall(r"^AO_DATA_DIR=.*", said, re.MULTILINE)
        attach = re.findall(r"^TMUX= tmux .*", said, re.MULTILINE)[-1]
        assert _run(curl) == "201\n"
        assert _run(send) == "✓ Message sent and processing\n"
        screen = attach.replace("attach -t '=", "capture-pane -p -t '=").rstrip("'") + ":'"
        _until(lambda: "There is a test for `surname` now." in _run(screen), process)
        _until(lambda: "your message came through" in _run(screen), process)

        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert output.read_text().endswith("Stopped; nothing is left behind.\n")
    assert "\x1b" not in said
    assert re.search(r"^ together +│ +\d+\.\d │ +\d+ $", said, re.MULTILINE)
    _nothing_is_left(where)


def test_ctrl_c_in_the_middle_leaves_nothing(where):
    with _demo(where) as (process, output):
        _until(lambda: "✓ An agent starts" in output.read_text(), process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
    assert output.read_text().endswith("Stopped; nothing is left behind.\n")
    _nothing_is_left(where)


def test_failure_says_what_is_not_so_and_keeps_the_logs(where):
    with _demo(where, "--agent", "nobody") as (process, output):
        assert process.wait(PATIENCE) == 1
    said = output.read_text()
    assert "✗" in said
    (home,) = set(HOME.findall(said)) or {re.search(r"kept in (\S+);", said)[1]}
    assert (Path(home) / "service.log").exists()
