"""`ao serve` without the pause between writes to GitHub, to bring fifty sessions about in seconds."""

import sys
from pathlib import Path

import bot.cli.app  # noqa: F401 - holds what `ao serve` holds, because its memory is measured
from bot.app import serve
from bot.config import environment, load
from bot.pace import Pace

if __name__ == "__main__":
    sys.exit(serve(load(environment(), Path.cwd()), pace=Pace(write_interval=0.0)))
