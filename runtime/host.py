"""What the machine says about its own run: which boot this is, and when it began."""

import functools
import subprocess
import sys
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STAT = Path("/proc/stat")


@functools.cache
def boot_id() -> str:
    """Return what tells this run of the machine from all others; empty where the kernel does not tell."""
    return read_boot_id()


def read_boot_id(kernel: Path = _BOOT) -> str:
    """Ask the kernel: https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html, `kern.bootsessionuuid` on macOS."""
    try:
        return kernel.read_text().strip()
    except OSError:
        return _sysctl("kern.bootsessionuuid") if sys.platform == "darwin" else ""


def _sysctl(name: str) -> str:
    try:
        said = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip()


def machine_started(kernel: Path = _STAT) -> float:
    """Return when the machine started, seconds since the epoch; 0 where the kernel does not tell.

    https://man7.org/linux/man-pages/man5/proc_stat.5.html
    """
    try:
        lines = kernel.read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), 0.0)
