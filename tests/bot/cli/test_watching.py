"""`ao status --watch` on a real terminal and into a pipe."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl

import pytest

from tests.bot.cli.conftest import Ao
from tests.bot.fake_service import running, session

COMMAND = [sys.executable, "-c", "import sys; from bot.cli import main; sys.exit(main())", "status", "--watch"]
ENTER, LEAVE, HOME = "\x1b[?1049h", "\x1b[?1049l", "\x1b[H"
PATIENCE = 60.0


class Terminal:
    """A pseudo terminal with `ao status --watch` on it."""

    def __init__(self, ao: Ao, *arguments: str, columns: int = 80, lines: int = 24) -> None:
        self.keyboard, self.child = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.child)
        environ = {key: value for key, value in ao.environ(TERM="xterm").items() if key != "COLUMNS"}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=self.child, stdout=self.child, stderr=self.child, env=environ, cwd=ao.home,
            start_new_session=True, preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self.shown = ""

    def resize(self, columns: int, lines: int) -> None:
        ioctl(self.child, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, wanted: str) -> str:
        """Read until the text appears; return everything up to and with it, and forget that."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.shown:
            ready, _, _ = select.select([self.keyboard], [], [], deadline - time.monotonic())
            assert ready, f"{wanted!r} did not appear, only {self.shown[-2000:]!r}"
            self.shown += os.read(self.keyboard, 65536).decode(errors="replace")
        found, _, self.shown = self.shown.partition(wanted)
        return found + wanted

    def type(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.keyboard)
        os.close(self.child)


@pytest.fixture
def terminal(ao, service):
    opened = []

    def opened_with(*arguments: str, **size: int) -> Terminal:
        opened.append(Terminal(ao, *arguments, **size))
        return opened[-1]

    yield opened_with
    for one in opened:
        one.close()


@pytest.mark.parametrize("end", [b"\x03", b"q", signal.SIGTERM, signal.SIGHUP])
def test_watching_ends_politely_and_restores_the_terminal(terminal, end):
    shown = terminal("--interval", "60")
    shown.until(ENTER)
    shown.until("3 active sessions")
    if isinstance(end, bytes):
        shown.type(end)
    else:
        shown.process.send_signal(end)
    tail = shown.until(LEAVE)
    assert "\x1b[?25h" in tail
    assert "Traceback" not in tail
    assert shown.process.wait(PATIENCE) == 0
    assert termios.tcgetattr(shown.child) == shown.before


def test_a_suspended_watch_gives_the_terminal_back_and_takes_it_again(terminal):
    shown = terminal("--interval", "60")
    shown.until("3 active sessions")
    shown.process.send_signal(signal.SIGTSTP)
    shown.until(LEAVE)
    _, status = os.waitpid(shown.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert termios.tcgetattr(shown.child) == shown.before
    shown.process.send_signal(signal.SIGCONT)
    shown.until(ENTER)
    shown.until("3 active sessions")
    shown.type(b"q")
    assert shown.process.wait(PATIENCE) == 0


def test_watching_redraws_over_the_old_page_without_clearing_it(terminal, service):
    shown = terminal("--interval", "0.2")
    shown.until("3 active sessions")
    service.rows.pop(0)
    drawn = shown.until("2 active sessions")
    assert HOME in drawn
    assert "\x1b[2J" not in drawn
    rows = drawn.split(HOME)[-1].split("\r\n")
    assert all(row.endswith("\x1b[K") for row in rows[:-1])
    assert shown.until("\x1b[?2026l").endswith("\x1b[J\x1b[?2026l")


def test_watching_adapts_to_a_resized_terminal_at_once(terminal, service):
    service.rows.append(session("app-5", summary="x" * 60))
    shown = terminal("--interval", "60", columns=80)
    shown.until("4 active sessions")
    shown.resize(200, 24)
    wide = shown.until("4 active sessions")
    assert "feat/a-very-long-branch-…" not in wide
    shown.resize(60, 24)
    assert "xxx\x1b[0m\r\n" in shown.until("4 active sessions"), "erasing after the last column takes it away"
    shown.resize(200, 6)
    assert "\x1b[J" not in shown.until("more lines; make the terminal higher").split(HOME)[-1]


def test_watching_goes_on_when_the_service_is_restarted(ao, home, terminal, service):
    from tests.bot.fake_service import FakeService

    other = home / "other"
    other.mkdir()
    fake = FakeService()
    fake.rows = [session("app-1")]
    environ = dict(ao.environ(), AO_DATA_DIR=str(other))
    elsewhere = Ao(ao.home)
    elsewhere.environ = lambda **changed: environ | changed
    with running(fake, other):
        shown = Terminal(elsewhere, "--interval", "0.2", columns=120)
        try:
            shown.until("1 active session")
        except BaseException:
            shown.close()
            raise
    try:
        page = shown.until("1 active session").split(HOME)[-1]
        while "No service is running" not in page:
            page = shown.until("1 active session").split(HOME)[-1]
        assert page.count("No service is running") == 1
        assert "Start one with: ao serve" in page
        assert "app-1" in page
        fake.rows.append(session("app-2"))
        with running(fake, other):
            assert "No service" not in shown.until("2 active sessions").split(HOME)[-1]
            shown.type(b"q")
            assert shown.process.wait(PATIENCE) == 0
    finally:
        shown.close()


def test_watching_does_not_start_without_a_service(ao):
    shown = ao("status", "--watch", AO_DATA_DIR=str(ao.home / "nobody"))
    assert shown.returncode == 1
    assert re.fullmatch(r"No service is running at \S+/ao.sock. Start one with: ao serve\n", shown.stderr)


def test_watching_into_a_pipe_is_plain_text_page_after_page(ao, service):
    watching = subprocess.Popen(
        [*COMMAND, "--interval", "0.2"], stdout=subprocess.PIPE, text=True, cwd=ao.home,
        env=ao.environ(PYTHONUNBUFFERED="1"),
    )  # fmt: skip
    lines = []
    while sum("AGENT ORCHESTRATOR STATUS" in line for line in lines) < 2:
        lines.append(watching.stdout.readline())
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=PATIENCE)
    assert watching.returncode == 0
    assert "\x1b" not in "".join(lines)
