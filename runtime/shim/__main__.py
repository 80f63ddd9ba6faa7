"""Entry of the packed shims: `<seconds to wait> <socket>`, then `push`, `fetch`, or `gh` or `ao` with arguments."""

import sys

from runtime.shim import ao, gh, pre_receive
from runtime.shim.ask import Door

LAST_KNOWN = "ao: the forge could not be asked; these are its branches as last seen"


def main() -> int:
    """Run the named program and return its exit code."""
    wait, socket, program, *rest = sys.argv[1:]
    door = Door(socket, float(wait))
    if program == "gh":
        return gh.run(door, rest)
    if program == "ao":
        return ao.run(door, rest)
    if program == "push":
        return pre_receive.run(door)
    if not door.ask(do="fetch").ok:
        print(LAST_KNOWN, file=sys.stderr)
    return 0


try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
