"""Completion as the shells ask for it."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time

import pytest

from bot.cli.app import COMMANDS
from tests.bot.fake_service import session

BASH_ASKS = """
source <(ao completion bash)
read -ra COMP_WORDS <<< "$1"
[[ $1 == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
complete -p ao
_ao ao
printf '%s\\n' "${COMPREPLY[@]}"
"""


# A person waits a second for what is offered; a machine that runs all tests at once may take longer.
PATIENT = "import sys; from bot.cli import completion, main; completion.WITHIN = 20.0; sys.exit(main())"


@pytest.fixture(scope="module")
def program(ao):
    """A directory with an `ao` that is this one, and patient."""
    place = ao.home / "program"
    place.mkdir()
    (place / "ao").write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{PATIENT}' \"$@\"\n")
    (place / "ao").chmod(0o755)
    return place


@pytest.fixture
def offered(ao, program, service):
    def asked(*words: str) -> list[str]:
        shown = ran(ao, program, "ao", "__complete", *words)
        assert (shown.returncode, shown.stderr) == (0, "")
        return [line.split("\t")[0] for line in shown.stdout.splitlines()]

    return asked


def test_commands_are_completed_without_importing_them(offered):
    assert offered("") == list(COMMANDS)
    assert offered("se") == ["setup", "serve", "session", "send"]
    assert "--version" in offered("--")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["session", "k"], ["kill"]),
        (["status", "--inc"], ["--include-terminated"]),
        (["session", "kill", ""], ["app-1", "app-2", "app-3"]),
        (["session", "attach", "app-2"], ["app-2"]),
        (["status", "--project", ""], ["my-app", "other"]),
        (["status", "-p", "o"], ["other"]),
        (["status", "--project=o"], ["other"]),
        (["status", "--project", "=", "o"], ["other"]),
        (["session", "ls", "-p", "my-app", "--j"], ["--json"]),
        (["events", "ls", "--source", "p"], ["push", "person"]),
        (["events", "tail", "-t", "outbox_s"], ["outbox_sent"]),
        (["events", "stats", "--log-level", "w"], ["warning"]),
        (["send", "--file", ""], [":files"]),
        (["demo", "--agent", "scr"], ["scripted"]),
        (["deliveries", "show", "3fd2c3f0-5d3e-11ef-9d8a-7d5f3f8d5f03"], ["3fd2c3f0-5d3e-11ef-9d8a-7d5f3f8d5f03"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["nonsense", ""], []),
        (["status", "--interval", "x", "--p"], ["--project"]),
    ],
)
def test_what_can_stand_at_a_place_is_offered(offered, words, expected):
    assert offered(*words) == expected


def test_names_that_a_shell_could_stumble_over_are_not_offered(offered, service):
    service.rows = [session("app-1"), session("app 2;$(x)")]
    assert offered("session", "kill", "") == ["app-1"]


def test_without_a_service_nothing_is_offered_and_nothing_complained_about(ao):
    shown = ao("__complete", "session", "kill", "", AO_DATA_DIR=str(ao.home / "nobody"))
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")


def ran(ao, program, *command: str) -> subprocess.CompletedProcess[str]:
    environ = ao.environ(TERM="xterm")
    environ["PATH"] = f"{program}:{environ['PATH']}"
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=ao.home, timeout=60, check=False)


def in_shell(ao, program, *command: str) -> str:
    done = ran(ao, program, *command)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ao sess", ["session"]),
        ("ao session kill ", ["app-1", "app-2", "app-3"]),
        ("ao status --project = o", ["other"]),
    ],
)
def test_bash_completes(ao, program, service, typed, expected):
    first, *found = in_shell(ao, program, "bash", "--norc", "-c", BASH_ASKS, "bash", typed).splitlines()
    assert (first, found) == ("complete -F _ao ao", expected)


def test_bash_completes_files_itself(ao, program, service):
    (ao.home / "notes.md").touch()
    shown = tab_typed(
        ao, program, ["bash", "--norc", "-i"], "source <(ao completion bash)", "ao send -f not\t", "notes.md"
    )
    assert "ao send -f notes.md" in shown


def tab_typed(ao, program, command: list[str], first: str, typed: str, wanted: str) -> str:
    """Type a line with a Tab into an interactive shell; return what the terminal shows until the wanted word."""
    environ = ao.environ(TERM="vt100", PS1="ready> ", PROMPT="ready> ", HISTFILE="/dev/null", ZDOTDIR=str(ao.home))
    environ["PATH"] = f"{program}:{environ['PATH']}"
    parent, child = pty.openpty()
    shell = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environ, cwd=ao.home)
    os.close(child)
    shown = ""

    def until(wanted: str) -> None:
        nonlocal shown
        deadline = time.monotonic() + 30
        while wanted not in shown:
            assert select.select([parent], [], [], max(0.0, deadline - time.monotonic()))[0], shown
            shown += os.read(parent, 4096).decode(errors="replace")

    try:
        os.write(parent, f"{first}; echo set'' up\n".encode())
        until("set up")
        shown = ""
        os.write(parent, typed.encode())
        until(wanted)
        return shown
    finally:
        shell.kill()
        shell.wait()
        os.close(parent)


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [("ao sess", "session"), ("ao session kill app-2", "app-2"), ("ao status --project=o", "--project=other")],
)
def test_fish_completes(ao, program, service, typed, expected):
    asks = f"ao completion fish | source; complete -C '{typed}'"
    found = in_shell(ao, program, shutil.which("fish"), "--no-config", "-c", asks).splitlines()
    assert [line.split("\t")[0] for line in found] == [expected]


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes(ao, program, service):
    first = "autoload -Uz compinit; compinit -u; source <(ao completion zsh)"
    shown = tab_typed(ao, program, [shutil.which("zsh"), "-f", "-i"], first, "ao session kill app-\t", "app-3")
    assert "app-1" in shown
    assert "Traceback" not in shown
