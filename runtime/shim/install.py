"""Put the shims where an agent finds them."""

import functools
import io
import shlex
import zipfile
from pathlib import Path

from runtime import disk

PACKED = "ao-shim.pyz"
UPLOAD_PACK = "ao-upload-pack"
_WAIT = 60.0
_FETCH_WAIT = 3.0
_PROGRAMS = ("__init__", "__main__", "ao", "ask", "gh", "pre_receive")


def install_shims(place_dir: Path, python: str, *, wait: float = _WAIT) -> None:
    """Write `gh`, `ao` and what they need into a directory for the agent's PATH; the socket is in the directory above.

    `python` is the absolute path of the interpreter; `wait` is how long they wait for a service that is away.
    """
    disk.make_own_directory(place_dir)
    _put(place_dir / PACKED, _packed(), mode=0o644)
    for name in ("gh", "ao"):
        program = f'#!/bin/sh\nexec {shim_command(place_dir, python, name, wait=wait)} "$@"\n'
        _put(place_dir / name, program.encode(), mode=0o755)
    fresh = shim_command(place_dir, python, "fetch", wait=min(wait, _FETCH_WAIT))
    serve = f'#!/bin/sh\n{fresh} </dev/null >&2\nexec git-upload-pack "$@"\n'
    _put(place_dir / UPLOAD_PACK, serve.encode(), mode=0o755)


def shim_command(place_dir: Path, python: str, program: str, *, wait: float = _WAIT) -> str:
    """Return the shell command that starts a packed program; it reads nothing of the agent's Python settings."""
    socket = str(place_dir.parent / "gate.sock")
    return shlex.join((python, "-I", "-S", str(place_dir / PACKED), f"{wait:g}", socket, program))


def _put(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file unless it is there already, byte for byte: a starting service comes here for every session."""
    if disk.read_bytes(path) != data:
        disk.write_bytes(path, data, mode=mode)


@functools.cache
def _packed() -> bytes:
    """Return the programs as one file that Python runs, the same bytes every time."""
    here = Path(__file__).parent
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        sources = {f"runtime/shim/{name}.py": (here / f"{name}.py").read_text(encoding="utf-8") for name in _PROGRAMS}
        sources |= {"runtime/__init__.py": "", "__main__.py": "import runtime.shim.__main__\n"}
        for name, text in sources.items():
            packed.writestr(zipfile.ZipInfo(name), text)
    return data.getvalue()
