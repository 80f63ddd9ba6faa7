"""`ao open`: sessions' terminals in tabs or windows of the terminal program that is there."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from bot.cli.client import ServiceFailed, get
from bot.cli.text import complain, counted, harmless, say
from bot.config import environment
from runtime.errors import WrongUse

EVERYTHING = "all"
NO_DASHBOARD = "There is no dashboard yet. Open terminals with: ao open"
NOTHING = "There is no live session{where}. Start one with: ao spawn ISSUE"
UNKNOWN = "'{target}' is neither a session nor a project. List them with: ao session ls --include-terminated"
NO_TERMINAL = "No terminal program was found to open tabs in. Type these lines, each in a terminal of its own:"
NOT_STARTED = "{program} cannot be started ({why}). Type this instead: {line}"
HINT = "Bring it back with: ao session restore {name}"

Opener = Callable[[str, str], list[str]]
"""From a session's name and its line for a shell to the program that opens it."""


def open_sessions(
    target: Annotated[str, typer.Argument(metavar="SESSION|PROJECT|all", help="What to open.")] = EVERYTHING,
    new_window: Annotated[bool, typer.Option("--new-window", "-w", help="Windows instead of tabs.")] = False,
    browser: Annotated[bool, typer.Option("--browser", "-b", hidden=True)] = False,
) -> None:
    """Opens sessions' terminals: tabs where a terminal program is known, else the lines to type."""
    if browser:
        raise WrongUse(NO_DASHBOARD)
    alive, dead = _chosen(target)
    for session in dead:
        complain(_epitaph(session))
    if alive:
        _open(alive, _opener(environment(), sys.platform, new_window=new_window))
    if dead:
        raise typer.Exit(1)


def _chosen(target: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the sessions to open, and those that were meant and have no terminal any more."""
    found = get("sessions", all="true")
    everyone = found["sessions"]
    named = [one for one in everyone if one["name"] == target]
    if named:
        return [one for one in named if one["attachCommand"]], [one for one in named if not one["attachCommand"]]
    if target != EVERYTHING and target not in found["projects"]:
        raise ServiceFailed(UNKNOWN.format(target=target))
    inside = [one for one in everyone if target in (EVERYTHING, one["projectId"])]
    alive = [one for one in inside if one["attachCommand"] and not one["endedAt"]]
    if not alive:
        raise ServiceFailed(NOTHING.format(where="" if target == EVERYTHING else f" of {target}"))
    return alive, []


def _epitaph(session: dict[str, Any]) -> str:
    if not session["endedAt"]:
        return f"{session['name']} has no terminal yet ({session['status']}); look again with: ao status"
    reason = f"session={harmless(session['reason'])}, runtime={session['activity'] or 'gone'}"
    return f"{session['name']} died at {session['endedAt']}: {reason}\n{HINT.format(name=session['name'])}"


def _open(sessions: list[dict[str, Any]], opener: Opener | None) -> None:
    if opener is None:
        say(NO_TERMINAL)
        for session in sessions:
            say(session["attachCommand"])
        return
    say(f"Opening {counted(len(sessions), 'session')}...")
    for session in sessions:
        program = opener(session["name"], session["attachCommand"])
        try:
            subprocess.Popen(
                program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise ServiceFailed(NOT_STARTED.format(program=program[0], why=error.strerror, line=program[-1])) from error
        say(f"  {session['name']}")


def _opener(env: Mapping[str, str], platform: str, *, new_window: bool) -> Opener | None:
    """Return what opens a terminal here, the one that people are in first; None when nothing is known."""
    if env.get("TMUX"):
        return lambda name, line: ["tmux", "new-window", "-n", name, line]
    if platform == "darwin":
        return _iterm if env.get("TERM_PROGRAM") == "iTerm.app" else _terminal_app
    if not (env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")):
        return None
    path = env.get("PATH")
    wanted = [known for known in (env.get("TERMINAL"), *_LINUX) if known and shutil.which(known, path=path)]
    return _linux(wanted[0], new_window=new_window) if wanted else None


_TABS = {
    "gnome-terminal": ("--tab", "--"),
    "konsole": ("--new-tab", "-e"),
    "kitty": ("@", "launch", "--type=tab", "--"),
    "wezterm": ("cli", "spawn", "--"),
}
_WINDOWS = {
    "gnome-terminal": ("--window", "--"),
    "konsole": ("-e",),
    "kitty": ("--",),
    "wezterm": ("start", "--"),
}
_LINUX = ("x-terminal-emulator", *_TABS, "xterm")


def _linux(program: str, *, new_window: bool) -> Opener:
    known = _WINDOWS if new_window else _TABS
    options = known.get(program.rsplit("/", 1)[-1], ("-e",))
    return lambda _, line: [program, *options, "/bin/sh", "-c", line]


def _terminal_app(_: str, line: str) -> list[str]:
    return ["osascript", "-e", f'tell application "Terminal" to do script {_apple(line)}']


def _iterm(_: str, line: str) -> list[str]:
    tab = "tell current window to create tab with default profile"
    run = f"tell current session of current window to write text {_apple(line)}"
    return ["osascript", "-e", f'tell application "iTerm2"\n{tab}\n{run}\nend tell']


def _apple(text: str) -> str:
    """Return a text as AppleScript writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
