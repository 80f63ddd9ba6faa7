"""The service's Unix socket: only its owner can open it, and one service at a time holds it."""

import contextlib
import os
import socket
import stat
from pathlib import Path

from runtime.errors import ConfigError

_BACKLOG = 128


def bind(path: Path) -> socket.socket:
    """Return a listening socket with mode 0600; one that a dead service left behind is replaced."""
    if _answers(path):
        raise ConfigError(f"{path}: a service is running already: use it, or stop it before starting another")
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"{path}: is not a socket: move it away")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # bound with a closed mask, so that there is no moment in which others could connect
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise ConfigError(f"{path}: cannot be created ({error.strerror}): choose another AO_DATA_DIR") from error
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
