"""Plays the story from label to merge and shows it in the terminal."""

import asyncio
import logging
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.demo.acts import ACTS, NotSo, Story
from bot.demo.encore import encore
from bot.demo.person import Failed
from bot.demo.screen import Screen
from bot.demo.service import NotReady
from bot.demo.stage import Stage, stage

STOPPED = 130


def main(*, agent: str = "scripted", keep: bool = False, speed: float = 1.0) -> int:
    """Play the demo; return 0 only if every act really happened. Nothing stays behind, except after a failure."""
    home = Path(tempfile.mkdtemp(prefix="ao-demo-"))
    screen = Screen()
    result = STOPPED
    try:
        with _log(home / "github.log"):
            result = asyncio.run(_play(home, screen, agent=agent, keep=keep, speed=speed))
    except (asyncio.CancelledError, KeyboardInterrupt):
        screen.stopped()
    finally:
        if result != 1:
            shutil.rmtree(home, ignore_errors=True)
    return result


async def _play(home: Path, screen: Screen, *, agent: str, keep: bool, speed: float) -> int:
    _stop_by_signal()
    began = time.monotonic()
    try:
        async with stage(home, agent=agent, speed=speed) as set_up:
            screen.opened(set_up, time.monotonic() - began)
            await _acts(set_up, screen)
            screen.table()
            if keep:
                screen.kept(set_up, await encore(set_up))
                await asyncio.Event().wait()
    except (NotSo, Failed, NotReady) as exc:
        screen.failed(str(exc), home)
        return 1
    return 0


async def _acts(set_up: Stage, screen: Screen) -> None:
    story, shown = Story(set_up), False
    for title, act in ACTS:
        with screen.act(title, set_up.bot_calls) as done:
            done(await act(story))
        if story.attach and not shown:
            screen.attach(story.attach)
            shown = True


def _stop_by_signal() -> None:
    """Let Ctrl-C end the story in order; a second one does not interrupt the cleaning up."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run always makes one

    def stop() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)


@contextmanager
def _log(path: Path) -> Iterator[None]:
    """Keep what the local GitHub logs out of the terminal."""
    handler = logging.FileHandler(path)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
