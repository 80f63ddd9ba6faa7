"""Ending child processes with everything that they started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal


def end_group(process: asyncio.subprocess.Process) -> None:
    """Kill a process that leads its own group, and the group; nothing happens when it is gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
