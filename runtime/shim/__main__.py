"""Entry of the packed shims: `<seconds to wait> <socket> push` or `… gh <arguments>`."""

import sys

from runtime.shim import gh, pre_receive
from runtime.shim.ask import Door


def main() -> int:
    """Run the named program and return its exit code."""
    wait, socket, program, *rest = sys.argv[1:]
    door = Door(socket, float(wait))
    return pre_receive.run(door) if program == "push" else gh.run(door, rest)


try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
