"""Waiting for what comes true by itself: a signal, a process and a pane take effect when the kernel gets to them."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


async def until(holds: Callable[[], Any], within: float = 30.0) -> Any:
    """Poll until something holds and return it."""
    end = time.monotonic() + within
    while not (value := holds()):
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.002)
    return value


def json_lines(file: Path) -> list[Any]:
    """Return the lines of a file that somebody is adding to; the last one may not be whole yet."""
    return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]


def runs(pid: int) -> bool:
    """Tell whether a process is there and not just waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int) -> None:
    """Wait until a process has ended, collected or not."""
    await until(lambda: not runs(pid))
