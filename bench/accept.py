"""How fast a delivery is on disk and acknowledged, against SQLite alone.

    python -m bench.accept [--rounds N] [--json]

Subject: the whole way over HTTP, signature and journal included. Floor: a bare insert of the same bytes (WAL,
`synchronous=FULL`, no index), one before each delivery: a disk that is asked without a pause answers sooner than
between two requests. Ceiling: the barest group commit, one thread and one queue, 16 callers, no HTTP; it takes turns
with the rate. Exit 1 when a goal is missed.
"""

import argparse
import asyncio
import json
import queue
import sqlite3
import statistics
import sys
import threading
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import uvloop

from bench.deliveries import SIZE, Server, alone, bodies, requests, send
from bench.rooms import room
from runtime.store.checkpoints import EVERY

GOALS = {"p50_ratio": 2.5, "throughput_ratio": 0.4}
EACH = 150
WARM = EVERY + EACH
"""Deliveries before any is counted, more than a log takes in before it starts again: one that still grows is slower."""
CONNECTIONS = 16


def main() -> int:
    """Measure, print, and say whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(room(), options.rounds)
    met = figures["p50_ratio"] <= GOALS["p50_ratio"] and figures["throughput_ratio"] >= GOALS["throughput_ratio"]
    if options.json:
        print(json.dumps({**figures, "met": met}))
    else:
        print(
            f"accept p50, 1 connection     {figures['accept_p50_ms']:.3f} ms / insert {figures['insert_p50_ms']:.3f} ms"
            f" = {figures['p50_ratio']:.2f}   goal <= {GOALS['p50_ratio']}\n"
            f"accepts/s, {CONNECTIONS} connections    {figures['accepts_per_s']:.0f} / group commit"
            f" {figures['group_commits_per_s']:.0f} = {figures['throughput_ratio']:.2f}"
            f"   goal >= {GOALS['throughput_ratio']}"
        )
    return 0 if met else 1


def measure(directory: Path, rounds: int) -> dict[str, float]:
    """Return the medians over all rounds; each ratio is taken within a round, so that other load hits both sides."""
    table = _bare_table(directory / "floor.db")
    seen: list[tuple[float, float, float, float]] = []
    with Server(directory) as server, alone(server.port) as deliver:
        _in_turns(table, deliver, WARM)
        for _ in range(rounds):
            insert, accept = _in_turns(table, deliver, EACH)
            ceiling = _group_commits(directory / "ceiling.db", EACH * 6)
            seen.append((insert, accept, ceiling, send(server.port, requests(EACH * 6), CONNECTIONS).per_second))
    table.close()
    insert, accept, ceiling, rate = (statistics.median(column) for column in zip(*seen, strict=True))
    return {
        "insert_p50_ms": insert * 1e3,
        "accept_p50_ms": accept * 1e3,
        "group_commits_per_s": ceiling,
        "accepts_per_s": rate,
        "p50_ratio": statistics.median(round_[1] / round_[0] for round_ in seen),
        "throughput_ratio": statistics.median(round_[3] / round_[2] for round_ in seen),
    }


def _bare_table(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, guid TEXT, body BLOB)")
    return connection


def _insert(table: sqlite3.Connection, body: bytes) -> float:
    began = perf_counter()
    table.execute("INSERT INTO t (guid, body) VALUES (?, ?)", (str(uuid.uuid4()), body))
    return perf_counter() - began


def _in_turns(table: sqlite3.Connection, deliver: Callable[[bytes], float], count: int) -> tuple[float, float]:
    """Return the median seconds of an insert and of a delivery."""
    pairs = zip(bodies(count), requests(count), strict=True)
    inserts, accepts = zip(*[(_insert(table, body), deliver(request)) for body, request in pairs], strict=True)
    return statistics.median(inserts), statistics.median(accepts)


def _group_commits(path: Path, count: int) -> float:
    table = _bare_table(path)
    work: list[bytes] = list(bodies(count))
    inbox: queue.SimpleQueue[tuple[bytes, Callable[[], object]] | None] = queue.SimpleQueue()
    thread = threading.Thread(target=_commit_groups, args=(table, inbox))

    async def caller() -> None:
        loop = asyncio.get_running_loop()
        while work:
            stored = asyncio.Event()
            inbox.put((work.pop(), partial(loop.call_soon_threadsafe, stored.set)))
            await stored.wait()

    async def callers() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(caller())

    thread.start()
    began = perf_counter()
    uvloop.run(callers())
    took = perf_counter() - began
    inbox.put(None)
    thread.join()
    table.close()
    return count / took


def _commit_groups(
    table: sqlite3.Connection, inbox: "queue.SimpleQueue[tuple[bytes, Callable[[], object]] | None]"
) -> None:
    while item := inbox.get():
        group = [item]
        while not inbox.empty() and (more := inbox.get()):
            group.append(more)
        table.execute("BEGIN IMMEDIATE")
        for body, _ in group:
            _insert(table, body)
        table.execute("COMMIT")
        for _, stored in group:
            stored()


if __name__ == "__main__":
    print(f"{SIZE // 1000} KB deliveries", file=sys.stderr)
    sys.exit(main())
