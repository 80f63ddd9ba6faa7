"""What the machine knows about a process that was once started."""

import os
import re
from pathlib import Path

from runtime.facts import Process

SHELLS = frozenset({"sh", "dash", "bash", "zsh", "fish", "ksh", "mksh", "ash", "csh", "tcsh"})

_KERNEL = Path("/proc/stat")
_STAT = re.compile(r"\d+ \((.*)\) (\S)", re.DOTALL)


def has_ended(process: Process | None) -> bool:
    """Tell whether a process is certainly gone: nothing has its number, or the machine has started since."""
    if process is None or process.pid is None:
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # somebody else's: the number may have been given again
    return process.at < machine_started()


def machine_started(kernel: Path = _KERNEL) -> float:
    """Return when the machine started, seconds since the epoch; 0 where the kernel does not tell.

    https://man7.org/linux/man-pages/man5/proc_stat.5.html
    """
    try:
        lines = kernel.read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), 0.0)


def is_agent(process: Process | None) -> bool:
    """Tell whether the agent may still be there: its process has not ended, and has not become a shell.

    What is pasted into a shell is run, line by line. Where the kernel does not tell, only the end is known.
    """
    if process is None or process.pid is None:
        return True
    try:
        os.kill(process.pid, 0)
        found = _STAT.match(Path(f"/proc/{process.pid}/stat").read_text())
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return found is None or (found[2] not in "ZX" and found[1].removeprefix("-") not in SHELLS)
