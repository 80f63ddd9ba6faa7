"""Files and directories where agents can write too: written whole or not at all, and never through a link."""

import errno
import os
import secrets
import shutil
import stat
from pathlib import Path

SMALL = 1 << 20
"""The most that is read of a file, bytes."""


def read(path: Path) -> str | None:
    """Return a small file's text, or None when it is missing, no regular file, or suspiciously large."""
    data = read_bytes(path)
    return None if data is None else data.decode(errors="replace")


def read_bytes(path: Path) -> bytes | None:
    """Return a small file's content, or None when it is missing, no regular file, or suspiciously large."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            data = file.read(SMALL + 1)
    except OSError:
        return None
    return data if len(data) <= SMALL else None


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace a text file in one step."""
    write_bytes(path, text.encode(), mode=mode)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace a file in one step, so that a reader or a crash never sees half of it; never follows a link."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    draft.replace(path)


def poke(fifo: Path) -> None:
    """Write a byte into a FIFO; `OSError` when nobody has it open, or it is none."""
    file = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        if stat.S_ISFIFO(os.fstat(file).st_mode):
            os.write(file, b"\n")
    finally:
        os.close(file)


def move(source: Path, target: Path) -> None:
    """Move a file in one step, also from another file system."""
    try:
        source.rename(target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        write_bytes(target, source.read_bytes())
        source.unlink()


def is_own_directory(path: Path) -> bool:
    """Return whether there is a directory at this very place, not a link to one elsewhere."""
    return path.is_dir() and not path.is_symlink()


def make_own_directory(path: Path, *, mode: int = 0o777) -> bool:
    """Make a directory, also where a link or a file is in its place; tell whether it had to be made."""
    found = os.path.lexists(path)
    if found and not is_own_directory(path):
        path.unlink()
        found = False
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    return not found


def is_really_at(path: Path, top: Path) -> bool:
    """Return whether no link leads from a directory to this path below it; `top` itself may be reached by one."""
    return reached(path) == reached(top) / path.relative_to(top)


def reached(path: Path) -> Path:
    """Return where links lead from a path; unlike `Path.resolve` it does not raise at one that leads to itself."""
    return Path(os.path.realpath(path))


def unlink_below(top: Path, name: str) -> bool:
    """Remove a file below a directory, never through a link that leads elsewhere; tell whether it was there."""
    file = top / name
    if not is_really_at(file.parent, top):
        return False
    try:
        file.unlink()
    except OSError:
        return False
    return True


def remove_tree(path: Path) -> None:
    """Remove a directory even if parts of it were made read-only, or what is in its place; no link is followed."""
    if not is_own_directory(path):
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except PermissionError:
        path.chmod(0o700)
        for folder, below, _ in os.walk(path):
            for name in below:
                if not Path(folder, name).is_symlink():
                    Path(folder, name).chmod(0o700)
        shutil.rmtree(path)
