"""Finds the tmux server that has lost its socket's file, and has it make the file again.

Without that its terminals are out of reach for ever: tmux starts a second server where it finds no file.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_LISTENS = 0x10000
"""`__SO_ACCEPTCON` of the kernel's include/linux/net.h."""


def make_room(socket: Path) -> None:
    """Make the directory for a socket, which nobody else may enter; one that is there stays."""
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def bring_back(socket: Path) -> bool:
    """Ask the server that was started at `socket` for its file again; False when no such server is known to live.

    It makes it when it gets to it. tmux(1): "If the socket is accidentally removed, the SIGUSR1 signal may be sent to
    the tmux server process to recreate it". Where there is no /proc, no server is known.
    """
    wanted = {f"socket:[{inode}]" for inode in _listening(socket)}
    if not wanted or sys.platform != "linux":
        return False
    make_room(socket)
    return any(_ask(pid, wanted, socket.parent) for pid in _own_processes())


def _listening(socket: Path) -> Iterator[str]:
    """Find the sockets that programs listen at by this name, whether or not the file is still there.

    https://man7.org/linux/man-pages/man5/proc_pid_net.5.html, /proc/net/unix: the name that `bind` was given.
    """
    with contextlib.suppress(OSError):
        for line in (_PROC / "net/unix").read_text(errors="replace").splitlines()[1:]:
            fields = line.split(maxsplit=7)
            if fields[7:] == [str(socket)] and int(fields[3], 16) & _LISTENS:
                yield fields[6]


def _own_processes() -> list[int]:
    mine = os.getuid()
    return [int(one.name) for one in _PROC.iterdir() if one.name.isdecimal() and _uid(one) == mine]


def _uid(process: Path) -> int | None:
    with contextlib.suppress(OSError):
        return process.stat().st_uid
    return None


def _ask(pid: int, sockets: set[str], directory: Path) -> bool:
    """Signal a process if it is the server, by a handle that means no other one even when it ends meanwhile."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            if _is_tmux(pid) and _sees(pid, directory) and _holds(pid, sockets):
                signal.pidfd_send_signal(handle, signal.SIGUSR1)
                return True
        finally:
            os.close(handle)
    return False


def _is_tmux(pid: int) -> bool:
    """Tell whether a process calls itself tmux: anything else would be ended by the signal."""
    return (_PROC / str(pid) / "comm").read_text().startswith("tmux")


def _sees(pid: int, directory: Path) -> bool:
    """Tell whether the directory is the same one to a process: in a sandbox or container it may be another."""
    return (_PROC / str(pid) / "root" / directory.relative_to("/")).samefile(directory)


def _holds(pid: int, sockets: set[str]) -> bool:
    return any(str(one.readlink()) in sockets for one in (_PROC / str(pid) / "fd").iterdir())
