"""The gate's receive hook: hands the pushed updates to the service and prints what it did with them."""

import os
import sys

from runtime.shim.ask import Door, show


def run(door: Door) -> int:
    """Accept the push, with exit 0, when the service has it on the forge; git shows the text as `remote:` lines."""
    updates = [
        dict(zip(("old", "new", "ref"), line.split(" ", 2), strict=True))
        for line in sys.stdin.read().split("\n")
        if line
    ]
    return show(door.ask(do="push", updates=updates, quarantine=os.environ.get("GIT_QUARANTINE_PATH")))
