"""What goes into `ao` that is no text, and where what it says cannot go."""

import subprocess
import sys

import pytest


def shell(ao, line):
    """Run a line of a shell in which `ao` is a command."""
    script = f'ao() {{ "{sys.executable}" -m bot "$@"; }}\n{line}'
    return subprocess.run(
        ["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ao.home,
        env=ao.environ(), timeout=30,
    )  # fmt: skip


@pytest.mark.parametrize(
    "typed",
    ["events search", "events ls -s", "status -p", "deliveries ls --state", "send app-1", "session kill", "", "--help"],
)
def test_argument_that_is_no_text_is_refused(ao, service, typed):
    shown = shell(ao, f"ao {typed} \"$(printf '\\377\\376bad')\"")
    told = "'\\xff\\xfebad' is not text in UTF-8. Convert it first, for example with: iconv -t utf-8\n"
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", told)
    assert service.asked == []


def test_input_that_is_no_text_is_refused(ao, service):
    shown = shell(ao, "printf 'caf\\351' | ao send app-1 -f -")
    told = "Standard input cannot be read (not text in UTF-8). See: ao send --help\n"
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", told)
    assert "Standard input cannot be read (Bad file descriptor)" in shell(ao, "ao send app-1 -f - <&-").stderr
    assert service.asked == []


@pytest.mark.parametrize(
    "typed",
    ["events ls", "events ls --json", "events tail", "status", "status -w", "send app-1 x", "--help", "--version"],
)
def test_output_that_cannot_be_written_is_told(ao, service, typed):
    shown = shell(ao, f"ao {typed} >/dev/full")
    told = "What ao says cannot be written (No space left on device). Make room, or send it elsewhere.\n"
    assert (shown.returncode, shown.stderr) == (1, told)
    assert shell(ao, f"PYTHONUNBUFFERED=1 ao {typed} >/dev/full").stderr == told


@pytest.mark.parametrize("typed", ["events ls", "status", "session ls", "--version", "--help"])
def test_missing_output_is_like_a_pipe_that_nobody_reads(ao, service, typed):
    closed = shell(ao, f"ao {typed} >&-")
    assert (closed.returncode, closed.stderr) == (1, "")


def test_refusal_is_told_without_an_output(ao, service):
    shown = shell(ao, "ao session attach app-4 >&-")
    assert shown.returncode == 1
    assert shown.stderr.startswith("Session 'app-4' has no terminal any more")


def test_stop_while_the_command_line_is_loaded_is_quiet(ao):
    code = (
        "import sys, bot.cli\n"
        "class Stop:\n    def find_spec(self, *_):\n        raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\nsys.exit(bot.cli.main())"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ao.environ(), timeout=30)
    assert (shown.returncode, shown.stderr) == (130, "")
