"""What the machine knows about a process that was once started."""

import os
from pathlib import Path
from typing import Literal

from runtime.facts import Process
from runtime.host import boot_id, machine_started

Life = Literal["alive", "gone", "unknown"]

SHELLS = frozenset({"sh", "dash", "bash", "zsh", "fish", "ksh", "mksh", "ash", "csh", "tcsh"})

_PROC = Path("/proc")


def life(process: Process | None) -> Life:
    """Tell whether a process lives.

    Numbers of processes are given again. So it is `alive` only if it also began when ours did, and `gone` if another
    one has its number, or if the machine has started since; then nothing is looked for by that number at all.
    """
    if process is None or process.pid is None or process.pid <= 0:
        return "unknown"
    if process.boot and boot_id() and process.boot != boot_id():
        return "gone"
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return "gone"
    except (PermissionError, OverflowError):
        pass  # somebody else's: the number may have been given again
    return _compared(process)


def _compared(process: Process) -> Life:
    began = _began(process.pid)
    if began is None or process.ticks is None:
        return "gone" if process.at < machine_started() else "unknown"
    return "alive" if began == process.ticks and not _is_shell(process.pid) else "gone"


def _began(pid: int | None) -> int | None:
    """Return the ticks at which a process began, -1 for one that has ended and is not collected, None if unknown.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return -1 if fields[0] in "ZX" else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def is_agent(process: Process | None) -> bool:
    """Tell whether the agent may still be there: its process has not ended, and has not become a shell.

    What is pasted into a shell is run, line by line. Where the kernel does not tell, only the end is known.
    """
    if process is None or process.pid is None or process.pid <= 0:
        return True
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    began = _began(process.pid)
    same = process.ticks is None or began is None or began == process.ticks
    return same and began != -1 and not _is_shell(process.pid)


def _is_shell(pid: int | None) -> bool:
    """Tell whether a process is a shell: what an agent leaves behind that was started from one, or became one."""
    try:
        return (_PROC / str(pid) / "comm").read_text().strip().removeprefix("-") in SHELLS
    except OSError:
        return False
