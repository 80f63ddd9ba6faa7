"""How fast the command line starts, against the library that it is made with."""

import sys

from bench.figure import Figure, median
from bench.ground import ran

ROUNDS = 15


async def help() -> list[Figure]:
    """Show the help and import typer in turns."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(await ran(sys.executable, "-c", "import typer"))
        ours.append(await ran(sys.executable, "-m", "bot", "--help"))
    note = f"against `import typer`, medians of {ROUNDS}"
    return [Figure("help", median(ours) * 1e3, "ms", 1.3, floor=median(bare) * 1e3, note=note)]
