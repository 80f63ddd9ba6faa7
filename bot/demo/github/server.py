"""A uvicorn server inside another program: no signal handlers, told when it is ready, stopped at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn

TICK = 1.0


class Server(uvicorn.Server):
    """One server; run `serve(sockets=[...])` as a task, wait for `ready`, end it with `end()`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.over = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the host program."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Keep the Date header right until the end; uvicorn's own loop looks only every 0.1 s whether it is over."""
        while not self.over.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self.over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything; what is being answered is cut off."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def end(self) -> None:
        """Let `serve` return soon."""
        self.over.set()
