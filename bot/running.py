"""Runs the parts of a service together, and ends them in an order that loses nothing."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from starlette.types import ASGIApp

from bot import retention
from bot.listeners import open_doors
from bot.parts import Parts
from bot.public import public_app
from runtime.errors import StoreBusy
from runtime.published_shapes import published_shapes

STORE_PAUSE = 1.0

Job = Callable[[], Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)


async def run(
    parts: Parts, private: ASGIApp, listener: socket.socket, path: Path, *, drain: float, also: Sequence[Job] = ()
) -> int:
    """Serve until SIGTERM or SIGINT, with `also` beside; agents go on without us and are adopted by the next start."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with open_doors(public_app(parts.receiver), private, listener, path), asyncio.TaskGroup() as group:
            jobs: dict[str, Job] = {
                "supervisor": parts.supervisor.run, "outbox": parts.sender.run, "pool": parts.pool.run,
                "identity": parts.identity.resolve, "redelivery": parts.redelivery.run,
                "naps": parts.naps.run, "shapes": partial(_have_shapes, parts),
                "retention": partial(_forget, parts),
            }  # fmt: skip
            tasks = [group.create_task(_run(job), name=name) for name, job in jobs.items()]
            tasks += [group.create_task(_run(job)) for job in also]
            tasks.append(group.create_task(_run(parts.worker.run), name="worker"))
            log.info("ready", extra={"address": "{}:{}".format(*listener.getsockname()[:2]), "socket": str(path)})
            await stop.wait()
            log.info("stopping; agents go on")
            parts.receiver.draining = True
            await parts.worker.drain(drain)
            for task in tasks:
                task.cancel()
            parts.store.let_listeners_go()
    finally:
        listener.close()
        await close(parts)
    return 0


async def _run(job: Job) -> None:
    """Run a part, again when it ended because nothing could be stored: each goes on from what is committed."""
    while True:
        try:
            return await job()
        except* StoreBusy as busy:
            log.warning("begun again: the store takes nothing", extra={"error": str(busy.exceptions[0])})
        await asyncio.sleep(STORE_PAUSE)


async def _have_shapes(parts: Parts) -> None:
    """Have at hand what the first delivery would wait 0.2 s for; if it fails, that one says so."""
    await parts.supervisor.adopted.wait()
    with contextlib.suppress(OSError, SubprocessError):
        await asyncio.to_thread(published_shapes)


async def _forget(parts: Parts) -> None:
    await retention.run(parts.store, every=retention.EVERY, records_kept=parts.records_kept)


async def close(parts: Parts) -> None:
    """Close everything that was built, whether or not it ran."""
    await parts.desk.close_all()
    await parts.hub.close()
    parts.tmux.close()
    parts.store.close()
