"""The service as a process of its own: started, asked over its socket, killed and started again."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp

READY_WITHIN = 60.0
HANG_UP_WITHIN = 3.0


class NotReady(Exception):
    """The service did not come up; carries the end of its log."""


class Service:
    """`ao serve` in `home`, with its environment and log there."""

    def __init__(self, home: Path, argv: list[str], environment: dict[str, str]) -> None:
        self.home = home
        self.data = home / "data"
        self.log = home / "service.log"
        self.starts = 0
        self.argv = argv
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
                *self.argv, cwd=self.home, env=self._environment, stdin=asyncio.subprocess.DEVNULL, stdout=log,
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

    async def terminals(self) -> list[str]:
        """Return the names of the agents' terminals that are there."""
        return (await _tmux(self.data / "tmux" / "s", "list-sessions", "-F", "#{session_name}")).split()

    async def end_terminals(self) -> None:
        """End the agents' tmux server, the one whose socket is in our own directory, and all that ran in it."""
        socket = self.data / "tmux" / "s"
        if socket.is_socket():
            panes = await _tmux(socket, "list-panes", "-a", "-F", "#{pane_pid}")
            await _tmux(socket, "kill-server")
            for pid in panes.split():
                await _end_group(int(pid))


async def _tmux(socket: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "tmux", "-S", os.fspath(socket), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    return (await process.communicate())[0].decode()


async def _end_group(pid: int) -> None:
    """Wait until nothing of a pane's process group is left, and kill what takes too long to hang up."""
    deadline = asyncio.get_running_loop().time() + HANG_UP_WITHIN
    with contextlib.suppress(ProcessLookupError):
        while asyncio.get_running_loop().time() < deadline:
            os.killpg(pid, 0)
            await asyncio.sleep(0.02)
        os.killpg(pid, signal.SIGKILL)
