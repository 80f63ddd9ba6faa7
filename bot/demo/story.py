"""Plays the story from label to merge and shows it in the terminal."""

import asyncio
import shutil
import signal
import tempfile
import time
from pathlib import Path

from bot.demo.acts import ACTS, NotSo, Story
from bot.demo.person import Failed
from bot.demo.screen import Screen
from bot.demo.service import NotReady
from bot.demo.stage import Stage, stage


def main(*, agent: str = "scripted", keep: bool = False, speed: float = 1.0) -> int:
    """Play the demo; return 0 only if every act really happened."""
    home = Path(tempfile.mkdtemp(prefix="ao-demo-"))
    screen = Screen()
    try:
        return asyncio.run(_play(home, screen, agent=agent, keep=keep, speed=speed))
    except KeyboardInterrupt:
        screen.stopped()
        return 130
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _play(home: Path, screen: Screen, *, agent: str, keep: bool, speed: float) -> int:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run always makes one
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()
    try:
        async with stage(home, agent=agent, speed=speed) as set_up:
            screen.opened(set_up, time.monotonic() - began)
            await _acts(set_up, screen)
            screen.table(set_up.bot_calls())
            if keep:
                screen.kept(set_up)
                await asyncio.Event().wait()
    except (NotSo, Failed, NotReady) as exc:
        screen.failed(str(exc))
        return 1
    return 0


async def _acts(set_up: Stage, screen: Screen) -> None:
    story = Story(set_up)
    for title, act in ACTS:
        with screen.act(title) as done:
            done(await act(story))
        if story.attach:
            screen.attach(story.attach)
