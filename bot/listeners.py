"""The service's two doors: a public TCP port for GitHub, a private Unix socket for its owner."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from bot.api.listen import bind as bind_private
from runtime.errors import ConfigError

BACKLOG = 2048


def bind_public(host: str, port: int) -> socket.socket:
    """Return the listening socket for GitHub; `ConfigError` says what to do when the port cannot be had."""
    try:
        listener = _bound(host, port)
    except OSError as exc:
        taken = exc.errno == errno.EADDRINUSE
        reason = "is taken by another program" if taken else f"cannot be opened ({exc.strerror})"
        fix = "choose a free one, for example AO_PORT=3005" if taken else "correct AO_HOST and AO_PORT"
        raise ConfigError(f"environment: AO_PORT: {host}:{port} {reason}: {fix}") from exc
    listener.listen(BACKLOG)
    return listener


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


@asynccontextmanager
async def open_doors(public: ASGIApp, private: ASGIApp, listener: socket.socket, path: Path) -> AsyncIterator[None]:
    """Serve both doors until the end of the block; the private one is removed from the disk."""
    with bind_private(path) as own, listener:
        servers = [(server(public), listener), (server(private), own)]
        async with asyncio.TaskGroup() as group:
            for one, door in servers:
                group.create_task(one.serve(sockets=[door]))
            while not all(one.started for one, _ in servers):  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.005)
            try:
                yield
            finally:
                for one, _ in servers:
                    one.end()
                path.unlink(missing_ok=True)  # noqa: ASYNC240 - one call at the very end


def server(app: ASGIApp) -> "_Server":
    """Return a server of `app` as both doors have it."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", http="httptools", ws="none", server_header=False,
        date_header=False, proxy_headers=False, timeout_graceful_shutdown=2, backlog=BACKLOG,
    )  # fmt: skip
    return _Server(config)


class _Server(uvicorn.Server):
    """Leaves signals to the service, which drains first, and sleeps while nobody asks.

    Uvicorn's own main loop wakes up ten times a second: two of them are a third of what an idle service uses.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._over = asyncio.Event()

    def end(self) -> None:
        """Stop serving; requests that are being answered are finished."""
        self.should_exit = True
        self._over.set()

    async def main_loop(self) -> None:
        """Set the default headers, and wait for the end."""
        await self.on_tick(0)
        await self._over.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers."""
        yield
