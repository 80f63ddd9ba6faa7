"""Standard output that is missing, full, or read by nobody."""

import errno
import os
import sys

CANNOT = "What ao says cannot be written ({why}). Make room, or send it elsewhere."


def ensure() -> None:
    """Put a pipe that nobody reads where standard output is missing, as no library expects that."""
    if sys.stdout is None:
        reading, writing = os.pipe()
        os.close(reading)
        sys.stdout = os.fdopen(writing, "w", encoding="utf-8")


def is_stuck(error: OSError) -> bool:
    """Tell whether standard output has refused; what is left to write is dropped then, else the exit would fail."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    # without a buffer (PYTHONUNBUFFERED) nothing is left to try it with
    return error.filename is None and getattr(sys.stdout, "write_through", False)


def why(error: OSError) -> str:
    """Return what there is to say about it: nothing when nobody reads any more."""
    return "" if error.errno == errno.EPIPE else CANNOT.format(why=error.strerror)
