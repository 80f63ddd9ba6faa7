"""The service as a process of its own: started, asked over its socket, killed and started again."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp

READY_WITHIN = 20.0


class NotReady(Exception):
    """The service did not come up; carries the end of its log."""


class Service:
    """`ao serve` in `home`, with its environment and log there."""

    def __init__(self, home: Path, argv: list[str], environment: dict[str, str]) -> None:
        self.home = home
        self.data = home / "data"
        self.log = home / "service.log"
        self.starts = 0
        self._argv = argv
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Tell whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process; it may be ready some time later."""
        self.starts += 1
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, cwd=self.home, env=self._environment, stdin=asyncio.subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    async def ready(self) -> None:
        """Return when the service answers on its socket."""
        deadline = asyncio.get_running_loop().time() + READY_WITHIN
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await self.get("/readyz")
                return
            if not self.running or asyncio.get_running_loop().time() > deadline:
                raise NotReady(f"the service did not start:\n{self.last_words()}")
            await asyncio.sleep(0.02)

    def last_words(self) -> str:
        """Return the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-15:])

    async def ended(self) -> int:
        """Wait for the process to end and return its exit code, negative for a signal."""
        return -1 if self._process is None else await self._process.wait()

    async def stop(self) -> None:
        """Ask the process to end; kill it when it does not."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(15):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def get(self, path: str) -> Any:
        """Return what the service answers on its private socket."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.data / "ao.sock"))) as http,
            http.get(f"http://ao{path}") as answer,
        ):
            answer.raise_for_status()
            return await answer.json() if answer.content_type.endswith("json") else await answer.text()

    async def end_terminals(self) -> None:
        """End the agents' tmux server, the one whose socket is in our own directory."""
        socket = self.data / "tmux" / "s"
        if socket.exists():
            process = await asyncio.create_subprocess_exec(
                "tmux", "-S", os.fspath(socket), "kill-server", stderr=asyncio.subprocess.DEVNULL
            )
            await process.wait()
