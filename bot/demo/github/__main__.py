"""`python -m bot.demo.github --port N --root DIR`: the local GitHub on its own; prints `ready URL`."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from bot.demo.github.hub import LocalGitHub


async def serve(host: str, port: int, root: Path) -> None:
    """Serve until interrupted."""
    hub, over = LocalGitHub(root), asyncio.Event()
    await hub.start(host, port)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    print(f"ready {hub.url}", flush=True)
    await over.wait()
    await hub.stop()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.github", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--root", type=Path, required=True, help="directory for the bare git repositories")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.host, options.port, options.root))
    except OSError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
