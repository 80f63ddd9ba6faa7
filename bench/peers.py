"""How many deliveries per second a bare probot receiver takes, beside ours.

    python -m bench.peers [--rounds N] [--json]

Needs Node with npm. Probot puts nothing on disk; ours has each delivery on disk before it answers. Exit 1 when ours
is slower, 2 when there is no npm.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.deliveries import SECRET, Server, requests, send
from bench.rooms import room

SOURCE = Path(__file__).with_name("probot")
INSTALLED = Path("build/probot")
GOAL = 1.0
CONNECTIONS = 16
EACH = 1500


def main() -> int:
    """Measure, print, and say whether ours keeps up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if shutil.which("npm") is None:
        print("install Node with npm first: probot is a Node program", file=sys.stderr)
        return 2
    figures = measure(room(), options.rounds)
    if options.json:
        print(json.dumps(figures))
    else:
        print(
            f"accepts/s, {CONNECTIONS} connections    {figures['accepts_per_s']:.0f} on disk"
            f" / probot {figures['probot_per_s']:.0f} not on disk = {figures['ratio']:.2f}   goal >= {GOAL}"
        )
    return 0 if figures["ratio"] >= GOAL else 1


def measure(directory: Path, rounds: int) -> dict[str, float]:
    """Return the medians over all rounds; the ratio is taken within a round, in turns."""
    seen: list[tuple[float, float]] = []
    with Server(directory) as ours, probot() as port:
        for count in (EACH // 3, *[EACH] * rounds):
            mine = send(ours.port, requests(count), CONNECTIONS).per_second
            seen.append((mine, send(port, requests(count), CONNECTIONS, expected=b"200").per_second))
    warm = seen[1:]
    return {
        "accepts_per_s": statistics.median(mine for mine, _ in warm),
        "probot_per_s": statistics.median(theirs for _, theirs in warm),
        "ratio": statistics.median(mine / theirs for mine, theirs in warm),
    }


@contextmanager
def probot() -> Iterator[int]:
    """Run probot's receiver, installed on first use, and give its port."""
    shutil.copytree(SOURCE, INSTALLED, dirs_exist_ok=True)
    if not (INSTALLED / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=INSTALLED, check=True)
    process = subprocess.Popen(["node", "receiver.mjs", SECRET], cwd=INSTALLED, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
