"""The program behind `agent: scripted`: `python -I -S scripted_program.py [--resume ID] PROMPT_FILE`.

It stands alone, in plain Python without packages, and starts in a few hundredths of a second.
"""

import sys


def _start() -> None:
    # -I leaves the program's own directory out of the search path.
    sys.path.insert(0, __file__.rpartition("/")[0])
    program = __import__("player.main", fromlist=["main"])
    program.main(sys.argv[1:])


if __name__ == "__main__":
    _start()
