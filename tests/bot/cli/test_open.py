"""`ao open` as a person types it, with terminal programs that only note what they were asked."""

import time

import pytest

from bot.cli.open import _opener
from tests.bot.fake_service import session

LINE = "TMUX= tmux -S /data/tmux attach -t '=app-1'"


@pytest.fixture
def programs(tmp_path):
    """A directory of programs that write their arguments to a file; returns how to add one and what was noted."""
    place, noted = tmp_path / "programs", tmp_path / "noted"
    place.mkdir()

    def add(*names):
        for name in names:
            program = place / name
            program.write_text(
                f'#!/bin/sh\nprintf "%s\\n" {name} "$@" > "{noted}.new.$$"\nmv "{noted}.new.$$" "{noted}"\n'
            )
            program.chmod(0o755)
        return f"{place}:/usr/bin:/bin"

    def read():
        end = time.monotonic() + 30
        while not noted.exists():
            assert time.monotonic() < end, "the program was not started"
            time.sleep(0.01)
        return noted.read_text().splitlines()

    return add, read


@pytest.fixture
def one(service):
    service.rows = [session("app-1", attach_command=LINE)]
    return service


def test_without_a_terminal_program_the_lines_to_type_are_printed(ao, one):
    shown = ao("open")
    assert shown.stdout.splitlines()[1:] == [LINE]
    assert shown.returncode == 0


def test_inside_tmux_a_window_is_opened_there(ao, one, programs):
    add, read = programs
    shown = ao("open", "app-1", TMUX="/tmp/x,1,0", PATH=add("tmux"))
    assert shown.stdout == "Opening 1 session...\n  app-1\n"
    assert read() == ["tmux", "new-window", "-n", "app-1", LINE]


@pytest.mark.parametrize(
    ("name", "options", "asked"),
    [
        ("gnome-terminal", [], ["--tab", "--"]),
        ("gnome-terminal", ["--new-window"], ["--window", "--"]),
        ("kitty", [], ["@", "launch", "--type=tab", "--"]),
        ("x-terminal-emulator", [], ["-e"]),
    ],
)
def test_terminal_program_of_the_desktop_gets_a_tab(ao, one, programs, name, options, asked):
    add, read = programs
    ao("open", "my-app", *options, DISPLAY=":0", PATH=add(name), TERMINAL=name)
    assert read() == [name, *asked, "/bin/sh", "-c", LINE]


def test_program_of_the_environment_comes_first(ao, one, programs):
    add, read = programs
    ao("open", DISPLAY=":0", PATH=add("xterm", "konsole"), TERMINAL="xterm")
    assert read()[:2] == ["xterm", "-e"]


@pytest.mark.parametrize(("program", "application"), [("iTerm.app", "iTerm2"), ("Apple_Terminal", "Terminal")])
def test_mac_gets_its_own_words(program, application):
    opener = _opener({"TERM_PROGRAM": program}, "darwin", new_window=False)
    said = opener("app-1", 'say "hi" \\')
    assert said[:2] == ["osascript", "-e"]
    assert f'tell application "{application}"' in said[2] and '"say \\"hi\\" \\\\"' in said[2]


def test_desktop_without_a_known_program_gets_the_lines():
    assert _opener({"DISPLAY": ":0", "PATH": "/nonexistent"}, "linux", new_window=False) is None


def test_ended_session_says_when_it_died_and_how_to_bring_it_back(ao, service):
    service.rows = [
        session("app-1", ended_at="2026-01-02T03:04:05Z", reason="runtime_lost", activity="exited", attach_command=None)
    ]
    shown = ao("open", "app-1")
    assert shown.returncode == 1
    assert shown.stderr == (
        "app-1 died at 2026-01-02T03:04:05Z: session=runtime_lost, runtime=exited\n"
        "Bring it back with: ao session restore app-1\n"
    )


def test_session_that_has_not_started_has_nothing_to_open(ao, service):
    service.rows = [session("app-1", status="spawning", attach_command=None)]
    assert "app-1 has no terminal yet (spawning)" in ao("open", "app-1").stderr


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nope", "'nope' is neither a session nor a project."),
        ("all", "There is no live session."),
        ("my-app", "of my-app"),
    ],
)
def test_nothing_to_open_is_said(ao, service, target, says):
    service.rows = []
    shown = ao("open", target)
    assert (shown.returncode, says in shown.stderr) == (1, True)


def test_program_that_cannot_be_started_is_named(ao, one):
    shown = ao("open", TMUX="/tmp/x,1,0", PATH="/nonexistent")
    assert shown.stderr == f"tmux cannot be started (No such file or directory). Type this instead: {LINE}\n"


def test_dashboard_is_refused_until_there_is_one(ao):
    assert ao("open", "--browser").returncode == 2
