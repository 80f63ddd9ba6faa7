"""What the machine knows about a process that was once started."""

import os
from pathlib import Path

from runtime.facts import Process

_KERNEL = Path("/proc/stat")


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
