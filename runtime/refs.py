"""The refs of a repository that this service made, as files: reading them costs no process.

A ref is a file of its own, or else a line of `packed-refs`; git writes the line before the file goes
(https://git-scm.com/docs/gitrepository-layout). What is not as expected is left to git: the answer is None or False.
"""

import itertools
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from runtime import disk

MOST = 500
"""Files that are read here; with more of them a process of git is quicker, and keeps nobody waiting."""

_SHA = re.compile(r"[0-9a-f]{40}")


def read(repository: Path, ref: str) -> str | None:
    """Return the commit of a ref that is a file, as one is after a fetch that moved it; None for any other."""
    written = (disk.read(repository / ref) or "").strip()
    return written if _SHA.fullmatch(written) else None


def below(repository: Path, prefix: str) -> dict[str, str] | None:
    """Return the commits of all refs whose names begin with `prefix`, by the rest of their names.

    Symbolic refs are left out.
    """
    files = list(itertools.islice(_files(repository / prefix), MOST + 1))
    alone = {str(file.relative_to(repository / prefix)): disk.read(file) or "" for file in files}
    packed = _packed(repository)
    if packed is None or len(files) > MOST:
        return None
    listed = {name.removeprefix(prefix): sha for name, sha in packed.items() if name.startswith(prefix)}
    return {name: sha.strip() for name, sha in (listed | alone).items() if _SHA.fullmatch(sha.strip())}


def start(repository: Path, ref: str, commit: str, *, draft: Path) -> bool:
    """Make a ref that does not exist; `draft` is a directory of ours on the same file system.

    There is never half of it, and nothing that a kill leaves is in the way of git.
    """
    packed, file = _packed(repository), repository / ref
    if packed is None or any(f"{name}/".startswith(f"{ref}/") or ref.startswith(f"{name}/") for name in packed):
        return False
    written = draft / f"ref.{secrets.token_hex(8)}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not disk.is_really_at(file.parent, repository):  # an agent may have put a link there
            return False
        disk.write(written, f"{commit}\n")
        os.link(written, file)
    except OSError:
        return False
    finally:
        written.unlink(missing_ok=True)
    return True


def _files(directory: Path) -> Iterator[Path]:
    return (Path(folder, name) for folder, _, names in os.walk(directory) for name in names)


def _packed(repository: Path) -> dict[str, str] | None:
    path = repository / "packed-refs"
    text = disk.read(path)
    if text is None:
        return None if os.path.lexists(path) else {}
    lines = (line.partition(" ") for line in text.splitlines() if line[:1] not in "#^")
    return {name: sha for sha, _, name in lines}
