"""Measure all figures of the product in one run, each against its floor, and say which goals are met.

    python -m bench [--only NAME ...] [--peers] [--json]

Exit 1 when a goal is missed. Leave six minutes between two runs: `bench.rooms` says why. NAME is one of: {names}.
"""

import argparse
import asyncio
import inspect
import json
import shutil
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.table import Table

from bench import accept, crowd, long_message, looking, peers, pool, size, spawning, starting, talking, telling
from bench.figure import Figure
from bench.rooms import room

Measure = Callable[[], Awaitable[list[Figure]]]
HEADINGS = ("figure", "measured", "floor", "ratio", "goal", "verdict", "")


async def accepting() -> list[Figure]:
    """Run the benchmark of the receiver, which has an event loop of its own."""
    found = await asyncio.to_thread(accept.measure, room(), 5)
    goals = accept.GOALS
    return [
        Figure(
            "accept p50", found["accept_p50_ms"], "ms", goals["p50_ratio"], floor=found["insert_p50_ms"],
            note="1 connection, against a bare durable insert",
        ),
        Figure(
            "accept rate", found["accepts_per_s"], "/s", goals["throughput_ratio"],
            floor=found["group_commits_per_s"], at_least=True,
            note=f"{accept.CONNECTIONS} connections, against bare group commits",
        ),
    ]  # fmt: skip


async def peer() -> list[Figure]:
    """Run the comparison with a bare probot receiver, which needs Node."""
    found = await asyncio.to_thread(peers.measure, room(), 7)
    note = "against probot, which puts nothing on disk"
    return [
        Figure(
            "accept rate, peer", found["accepts_per_s"], "/s", peers.GOAL, floor=found["probot_per_s"],
            at_least=True, note=note,
        )
    ]  # fmt: skip


MEASURES: dict[str, Measure] = {
    "spawn": spawning.spawn,
    "warm": pool.warm,
    "accept": accepting,
    "comment": talking.comment,
    "ci": talking.checks,
    "enter": talking.enter,
    "message": long_message.message,
    "help": starting.help,
    "crowd": crowd.crowd,
    "looking": looking.looking,
    "calls": telling.calls,
    "size": size.size,
}


def main() -> int:
    """Measure, print, and say whether all goals are met."""
    text = (__doc__ or "").format(names=", ".join(MEASURES))
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME", help="may be given several times")
    parser.add_argument("--peers", action="store_true", help="also measure other programs that do the same")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.peers and shutil.which("npm") is None:
        parser.error("install Node with npm first: probot is a Node program")
    chosen = [MEASURES[name] for name in options.only or MEASURES]
    figures = asyncio.run(_measure([*chosen, peer] if options.peers else chosen))
    if options.json:
        print(json.dumps([figure.as_json() for figure in figures], indent=2))
    else:
        Console(width=None if sys.stdout.isatty() else 200).print(_table(figures))
    return 0 if all(figure.met for figure in figures) else 1


async def _measure(chosen: list[Measure]) -> list[Figure]:
    figures: list[Figure] = []
    for number, measure in enumerate(chosen, 1):
        print(f"{number}/{len(chosen)} {inspect.getdoc(measure)}", file=sys.stderr, flush=True)
        figures += await measure()
    return figures


def _table(figures: list[Figure]) -> Table:
    table = Table(*HEADINGS, box=None)
    for figure in figures:
        table.add_row(*figure.cells(), style="" if figure.met else "bold red")
    return table


sys.exit(main())
