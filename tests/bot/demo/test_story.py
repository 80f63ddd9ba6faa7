"""The command of the demo, as a person meets it: watched, tried by hand, interrupted."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from bot.demo import story
from bot.demo.acts import NotSo

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
        process.wait(PATIENCE)


@pytest.fixture
def where():
    """A short directory that holds all the demo's traces."""
    place = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    yield place
    shutil.rmtree(place)


def _until(look, process, output):
    """Wait for it while the demo runs; what the demo said explains why it did not come."""
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert process.poll() is None and time.monotonic() < deadline, _said(output)
        time.sleep(0.05)


def _said(output):
    """Return what the demo has written so far, perhaps not yet all of a letter."""
    return output.read_text(errors="replace")


def _nothing_is_left(where):
    assert [path.name for path in where.iterdir()] == ["output"]
    deadline = time.monotonic() + PATIENCE
    while left := [line for line in _commands() if str(where) in line]:  # what is killed is gone a moment later
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _commands():
    """Return the command lines of all processes, on a machine with or without `ps`."""
    if shutil.which("ps"):
        return subprocess.check_output(["ps", "-A", "-ww", "-o", "args="], text=True).splitlines()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text(errors="replace").replace("\0", " "))
    return found


def _curl(line):
    """Do what the line says, on a machine with or without `curl`."""
    if shutil.which("curl"):
        return _run(line).strip()
    words = shlex.split(line)
    url = next(word for word in words if word.startswith("http"))
    name, _, value = words[words.index("-H") + 1].partition(": ")
    request = urllib.request.Request(url, words[words.index("-d") + 1].encode(), {name: value})
    with urllib.request.urlopen(request) as answer:
        return str(answer.status)


def _run(line):
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60, check=True).stdout


def test_what_keep_suggests_works_and_ctrl_c_leaves_nothing(where):
    with _demo(where, "--keep", "--speed", "20") as (process, output):
        _until(lambda: "Ctrl-C ends everything and removes it.\n" in _said(output), process, output)
        said = output.read_text()
        (curl,) = re.findall(r"^curl .*", said, re.MULTILINE)
        (send,) = re.findall(r"^AO_DATA_DIR=.*", said, re.MULTILINE)
        attach = re.findall(r"^TMUX= tmux .*", said, re.MULTILINE)[-1]
        assert _curl(curl) == "201"
        assert _run(send) == "✓ Message sent and processing\n"
        screen = attach.replace("attach -t '=", "capture-pane -p -S -3000 -t '=").rstrip("'") + ":'"
        _until(lambda: "There is a test for `surname` now." in _run(screen), process, output)
        _until(lambda: "your message came through" in _run(screen), process, output)

        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert output.read_text().endswith("Stopped; nothing is left behind.\n")
    assert "\x1b" not in said
    assert re.search(r"^ together +│ +\d+\.\d │ +\d+ $", said, re.MULTILINE)
    _nothing_is_left(where)


def test_ctrl_c_in_the_middle_leaves_nothing(where):
    with _demo(where) as (process, output):
        _until(lambda: "✓ An agent starts" in _said(output), process, output)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert output.read_text().endswith("Stopped; nothing is left behind.\n")
    _nothing_is_left(where)


def test_failure_says_what_is_not_so_and_keeps_the_logs(where, monkeypatch, capsys):
    async def never(_story):
        raise NotSo("the sun rises in the west: not so after 0 s")

    monkeypatch.setattr(story, "ACTS", (("A sunrise", never),))
    monkeypatch.setattr(tempfile, "tempdir", str(where))
    assert story.main() == 1
    said = capsys.readouterr().out
    assert "✗ the sun rises in the west" in said
    (home,) = where.glob("ao-demo-*")
    assert (home / "service.log").exists()


def test_unknown_agent_stops_before_anything_starts(where):
    with _demo(where, "--agent", "nobody") as (process, output):
        assert process.wait(PATIENCE) == 2
    assert "nobody" in output.read_text()
    assert not list(where.glob("ao-demo-*"))
