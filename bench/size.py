"""What an installation takes on the disk."""

import os
import sys
from pathlib import Path

from bench.figure import Figure
from bench.ground import ran
from bench.rooms import room

HERE = Path(__file__).parent.parent
TOOLS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")


async def size() -> list[Figure]:
    """Install the project into a new environment, without what only developers need, and add the files up."""
    environment = room()
    await ran(sys.executable, "-m", "venv", environment)
    pip = (environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check")
    await ran(*pip, "--constraint", HERE / "constraints.txt", HERE)
    [packages] = environment.glob("lib/python*/site-packages")
    taken = sum(_bytes(entry) for entry in packages.iterdir() if not entry.name.startswith(TOOLS))
    return [Figure("size", taken / 1e6, "MB", 140.0, note="site-packages with bytecode, without pip and setuptools")]


def _bytes(entry: Path) -> int:
    if entry.is_file():
        return entry.stat().st_size
    return sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(entry) for name in names)
