"""A page on the whole terminal that is drawn again and again without flicker, and leaves the terminal as it was."""

import contextlib
import os
import re
import select
import shutil
import signal
import sys
import termios
import textwrap
import tty
from collections.abc import Callable, Iterator
from types import FrameType

from bot.cli.table import cells

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
"""Another screen, no cursor, no wrapping; and back."""
_TOGETHER = "\x1b[?2026h", "\x1b[?2026l"
"""Terminals that know synchronized output show what is in between at once; others ignore it."""
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_QUIT = (b"q", b"Q")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ENDS = (signal.SIGTERM, signal.SIGHUP)


class Closed(Exception):
    """The person, or a signal, has ended the watching."""


def watch(page: Callable[[], str], interval: float) -> None:
    """Show `page()` every `interval` seconds and after each resize, until Ctrl+C, q or a signal to end."""
    with _signals() as wake, _whole_screen(), contextlib.suppress(Closed, KeyboardInterrupt):
        while True:
            draw(page())
            _wait(wake, interval)


def draw(page: str) -> None:
    """Replace what is shown in one write: line by line from the top, nothing is cleared before it is overwritten."""
    width, height = shutil.get_terminal_size()
    lines = [part for line in page.split("\n") for part in _folded(line, width)]
    if len(lines) > height:
        hidden = len(lines) - height + 1
        lines = [*lines[: height - 1], f"… {hidden} more lines; make the terminal higher, or leave out --watch"]
    begin, end = _TOGETHER
    body = "\n".join(line if _fills(line, width) else line + _REST_OF_LINE for line in lines)
    _write(f"{begin}{_HOME}{body}{_REST_OF_SCREEN}{end}")


def _fills(line: str, width: int) -> bool:
    """Tell whether a line reaches the last column, where erasing what follows would erase its last character."""
    return cells(_COLOUR.sub("", line)) >= width


def _write(text: str) -> None:
    """Write without a buffer, which a signal in the middle of it would find locked."""
    left = text.encode()
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


def _folded(line: str, width: int) -> list[str]:
    """Fold a sentence that is too long; rows of tables, which may have colours, are fitted already."""
    return [line] if "\x1b" in line or len(line) <= width else textwrap.wrap(line, width)


@contextlib.contextmanager
def _whole_screen() -> Iterator[None]:
    """Show another screen, without a cursor and without what is typed, and come back from it whatever happens."""
    keyboard = sys.stdin.fileno() if sys.stdin.isatty() else None
    before = None if keyboard is None else termios.tcgetattr(keyboard)

    def enter() -> None:
        if keyboard is not None:
            tty.setcbreak(keyboard)
        _write(_ENTER)

    def leave() -> None:
        _write(_LEAVE)
        if keyboard is not None and before is not None:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)

    def rest(*_: object) -> None:
        leave()
        os.kill(os.getpid(), signal.SIGSTOP)  # Ctrl+Z: the shell has the terminal until `fg`
        enter()

    handler = signal.signal(signal.SIGTSTP, rest)
    try:
        enter()
        yield
    finally:
        leave()
        signal.signal(signal.SIGTSTP, handler)


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """Return a descriptor that can be read when the terminal has been resized; make signals that end end politely."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    handlers = {number: signal.signal(number, _close) for number in _ENDS}
    handlers[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, lambda *_: None)
    descriptor = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def _close(_number: int, _frame: FrameType | None) -> None:
    raise Closed


def _wait(wake: int, interval: float) -> None:
    keyboard = [sys.stdin.fileno()] if sys.stdin.isatty() else []
    ready, _, _ = select.select([wake, *keyboard], [], [], interval)
    if wake in ready:
        os.read(wake, 4096)
    if keyboard and keyboard[0] in ready and os.read(keyboard[0], 64) in _QUIT:
        raise Closed
