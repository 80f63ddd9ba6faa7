"""The only door to tmux: one server of our own, every command under a deadline, panes known by their ids."""

import asyncio
import logging
import re
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from libtmux.common import tmux_cmd
from libtmux.exc import TmuxCommandNotFound

from runtime.errors import ConfigError, TmuxUnavailable
from runtime.one_thread import OneThread
from runtime.panes import (
    OVERTAKEN,
    PANE,
    TERMINAL,
    Anyway,
    Condition,
    Pane,
    Paste,
    Pressed,
    Still,
    Terminal,
    always,
    cancel_mode,
    kept_out,
    pane_of,
    paste_of,
    pressed_of,
    terminal_of,
    typing_of,
)
from runtime.tmux_client import Clients
from runtime.tmux_server import bring_back, make_room

log = logging.getLogger(__name__)

OLDEST = (3, 2)
INSTALL = "install tmux 3.2 or newer (Debian and Ubuntu: apt install tmux; macOS: brew install tmux)"

# Started from / with an empty environment: panes must not inherit the service's secrets or directory.
_START = 'cd / && exec env -i PATH="$PATH" HOME="${HOME:-/}" LANG="${LANG:-C.UTF-8}" SHELL=/bin/sh "$@"'
# remain-on-exit has to be set before the first pane, else exit codes are lost: knowledge/tmux.md section 1.
_OPTIONS = (
    ("exit-empty", "off"),
    ("remain-on-exit", "on"),
    ("default-terminal", "screen-256color"),
    ("default-shell", "/bin/sh"),
    ("history-limit", "20000"),
    ("escape-time", "0"),
    ("set-titles", "off"),
    ("allow-rename", "off"),
)
_NO_SERVER = re.compile(r"no server running|error connecting to .*\((No such file|Connection refused)")
_NOT_FOUND = re.compile(r"can't find (pane|session|window)|no current (target|session)")

T = TypeVar("T")


class Tmux:
    """A tmux server of our own; commands run one after the other on one thread.

    Answers are three-valued: a value, "not there" (None, False or empty), and `TmuxUnavailable` when tmux did not
    answer, from which nothing may be concluded about any pane.
    """

    def __init__(self, socket: Path, *, deadline: float = 5.0) -> None:
        self.socket = socket
        self._clients = Clients(deadline)
        self._thread = OneThread("tmux")
        self._arguments = ("-u", "-S", str(socket), "-f", "/dev/null")

    async def check(self) -> str:
        """Return tmux's version; `ConfigError` says how to get one that works."""
        if shutil.which("tmux") is None:
            raise ConfigError(f"tmux is missing: {INSTALL}")
        answer = await self._run("-V")
        version = " ".join(answer.stdout).removeprefix("tmux ").strip()
        number = re.search(r"(\d+)\.(\d+)", version)
        if number and (int(number[1]), int(number[2])) < OLDEST:
            raise ConfigError(f"tmux {version} is too old: {INSTALL}")
        return version

    async def new_session(
        self, name: str, *, cwd: Path, argv: Sequence[str], width: int = 200, height: int = 50
    ) -> str:
        """Start `argv` in a new session and return its pane id; a session that exists is left alone."""
        await asyncio.to_thread(make_room, self.socket)
        size = ("-x", str(width), "-y", str(height))
        create = ("new-session", "-E", "-d", "-P", "-F", "#{pane_id}", "-s", name, "-c", str(cwd), *size, "--", *argv)
        answer = await self._run("-N", *create)
        for _ in range(3):
            if answer.returncode == 0:
                return answer.stdout[0]
            if "duplicate session" in _said(answer):
                return (await self.panes())[name].pane_id
            # A server that is just going away refuses: knowledge/tmux.md, "kill-server".
            await asyncio.sleep(0.05)
            answer = await self._start(create)
        raise TmuxUnavailable(f"tmux could not start session {name}: {_said(answer)}")

    async def panes(self) -> dict[str, Pane]:
        """Return the first pane of each session by session name; empty only when tmux says that there is none."""
        found = await self._panes()
        if any(pane.dead and pane.exit_code is None and pane.signal is None for pane in found.values()):
            # tmux 3.3a now and then misses that a child has ended; the end of another one makes it look again.
            await self._run("run-shell", "true")
            found = await self._panes()
        return found

    async def paste(
        self, pane: str, text: str, *, before: Sequence[str] = (), after: Sequence[str] = (),
        unless: Condition = Anyway, still: Still = always,
    ) -> Paste:  # fmt: skip
        """Leave copy mode, press `before`, paste `text` and press `after`, in one step, `unless` something is so.

        The tests and the paste are one command: pasting into a dead pane crashes tmux 3.3a. A caller that is
        cancelled or gives up leaves either nothing or all of it in the pane. `still` is asked at the last moment, on
        another thread.
        """
        return await self._on_thread(lambda: self._paste(pane, text, before, after, unless, still))

    async def press(self, pane: str, *keys: str) -> bool:
        """Press keys by their tmux names; False if the pane is dead or gone."""
        return await self._on_thread(lambda: self._press(pane, keys)) == "pressed"

    async def press_if(self, still: Still, pane: str, *keys: str, place: str | None = None) -> Pressed:
        """Press keys if `still` says so at the last moment, on another thread, and the cursor has not left `place`."""
        return await self._on_thread(lambda: self._press(pane, keys, place) if still() else "overtaken")

    async def capture(self, pane: str, *, lines: int = 0) -> str:
        """Return the visible screen, with `lines` of history before it; empty if the pane is gone."""
        answer = await self._run("capture-pane", "-p", "-J", "-t", pane, "-S", str(-lines))
        return "\n".join(answer.stdout) if self._found(answer) else ""

    async def kill_session(self, name: str) -> None:
        """End a session and hang up what runs in it; nothing happens if it is not there."""
        self._found(await self._run("kill-session", "-t", f"={name}"))

    async def kill_server(self) -> None:
        """End the server with all its sessions and wait until it is gone; nothing happens if there is none."""
        for _ in range(50):
            if _is_away(await self._run("kill-server")):
                return
            await asyncio.sleep(0.02)
        raise TmuxUnavailable("the tmux server does not end")

    async def terminal(self, name: str, pane: str) -> Terminal | None:
        """Return what people see of a session and when one of them last typed, or None when it is gone."""
        clients = ("list-clients", "-t", f"={name}", "-F", TERMINAL.client)
        cursor = ("display-message", "-p", "-t", pane, TERMINAL.cursor)
        answer = await self._run(*clients, ";", *cursor, ";", "capture-pane", "-p", "-t", pane)
        return terminal_of(answer.stdout) if self._found(answer) else None

    def attach_command(self, name: str) -> str:
        """Return the line a person types into any shell, also inside another tmux, to watch and join a session."""
        # Quoted because zsh would look up a command for =name.
        return f"TMUX= tmux -S {shlex.quote(str(self.socket))} attach -t '={name}'"

    def close(self) -> None:
        """Stop the thread, and a client that hangs; the server and its sessions live on."""
        self._thread.close()
        self._clients.end_late()

    def _paste(
        self, pane: str, text: str, before: Sequence[str], after: Sequence[str], unless: Condition, still: Still
    ) -> Paste:  # fmt: skip
        make_room(self.socket)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=self.socket.parent) as file:
            file.write(text)
            file.flush()
            buffer = Path(file.name).name
            why = unless.why()
            not_now = f"delete-buffer -b {buffer} ; display-message -p -t {pane} '{why}'"
            guarded = ("if-shell", "-F", "-t", pane, why, not_now, typing_of(pane, buffer, before, after))
            if not still():
                return OVERTAKEN
            answer = self._command("load-buffer", "-b", buffer, file.name, ";", *guarded)
            if self._found(answer):
                return paste_of(answer.stdout)
            self._command("delete-buffer", "-b", buffer)
            return Paste("dead")

    def _press(self, pane: str, keys: Sequence[str], place: str | None = None) -> Pressed:
        why = kept_out(place)
        live = f"{cancel_mode(pane)} ; send-keys -t {pane} {shlex.join(keys)} ; display-message -p pressed"
        answer = self._command("if-shell", "-F", "-t", pane, why, f"display-message -p -t {pane} '{why}'", live)
        return pressed_of(answer.stdout) if self._found(answer) else "dead"

    def _found(self, answer: tmux_cmd) -> bool:
        said = _said(answer)
        if answer.returncode == 0:
            return True
        if _NOT_FOUND.search(said) or _is_away(answer):
            return False
        raise TmuxUnavailable(f"tmux did not answer as expected: {said}")

    async def _panes(self) -> dict[str, Pane]:
        answer = await self._run("list-panes", "-a", "-F", PANE)
        lines = reversed(answer.stdout) if self._found(answer) else ()
        return dict(entry for line in lines if (entry := pane_of(line)))

    async def _start(self, create: Sequence[str]) -> tmux_cmd:
        options = [word for name, value in _OPTIONS for word in (";", "set-option", "-g", name, value)]
        command = (*self._arguments, "start-server", *options, ";", *create)
        return await self._on_thread(lambda: self._clients.run("/bin/sh", "-c", _START, "tmux", "tmux", *command))

    async def _run(self, *arguments: str) -> tmux_cmd:
        return await self._on_thread(lambda: self._command(*arguments))

    async def _on_thread(self, job: Callable[[], T]) -> T:
        try:
            # A hung server holds the output of clients that were ended (it was sent their descriptors), so that
            # the job may hang on: callers do not wait for it.
            return await self._thread.run(job, within=self._clients.deadline)
        except TimeoutError as late:
            self._clients.end_late()
            raise TmuxUnavailable("tmux did not answer in time") from late
        except TmuxCommandNotFound as missing:
            raise TmuxUnavailable(f"tmux cannot be run: {INSTALL}") from missing

    def _command(self, *arguments: str) -> tmux_cmd:
        answer = self._clients.run("tmux", *self._arguments, *arguments)
        if not _is_away(answer) or not bring_back(self.socket):
            return answer
        log.warning("the file of tmux's socket was gone; its server was asked for it", extra={"socket": self.socket})
        for _ in range(50):
            answer = self._clients.run("tmux", *self._arguments, *arguments)
            if not _is_away(answer):
                return answer
            time.sleep(0.02)
        raise TmuxUnavailable(f"tmux runs, but does not make its socket {self.socket} again")


def _is_away(answer: tmux_cmd) -> bool:
    return _NO_SERVER.search(_said(answer)) is not None


def _said(answer: tmux_cmd) -> str:
    return " ".join(answer.stderr) or f"exit {answer.returncode}"
