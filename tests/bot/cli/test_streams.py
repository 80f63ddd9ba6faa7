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
