"""Starts tmux, one client after the other, and ends one that takes too long: libtmux itself waits for ever."""

import time

from libtmux.common import tmux_cmd

from runtime.errors import TmuxUnavailable


class Clients:
    """Runs clients on one thread; another thread may end the one that runs."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._running: _Client | None = None

    def run(self, program: str, *arguments: str) -> tmux_cmd:
        """Return what a client said; `TmuxUnavailable` when it was ended, by `end_late` or by somebody else."""
        client = self._running = _Client()
        try:
            client.run(program, *arguments)
        finally:
            self._running = None
        if client.returncode < 0:
            raise TmuxUnavailable(f"tmux did not answer within {self.deadline:g} s")
        return client

    def end_late(self) -> None:
        """End the client that runs if it has had its time; whoever has waited for long enough calls this."""
        client = self._running
        if client is not None and time.monotonic() - client.began >= self.deadline:
            client.end()


class _Client(tmux_cmd):
    """libtmux's own, which knows its process as soon as there is one."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def run(self, program: str, *arguments: str) -> None:
        super().__init__(*arguments, tmux_bin=program)

    def end(self) -> None:
        process = getattr(self, "process", None)
        if process is not None:
            process.kill()
