"""Puts into a new worktree what the project asks for: links to files of a clone, and the work of its commands."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path

from runtime.errors import UserError
from runtime.project import Project

PATIENCE = 1800.0
TAIL = 1500

NO_CLONE = "symlinks of project {project} need `path`, the clone that the files are in: set it, or remove symlinks"
MISSING = "{source} does not exist: create it, or remove it from symlinks of project {project}"
FAILED = "post_create of project {project} failed: `{command}` ended with {code}:\n{tail}"
TOO_LONG = "post_create of project {project} took longer than {patience:g} s: `{command}`"


async def furnish(project: Project, worktree: Path, environment: Mapping[str, str]) -> None:
    """Link and prepare; may be repeated. Commands run in the worktree, as the agent would run them.

    Raises:
        UserError: a file is missing, or a command failed; says what to mend.

    """
    for name in project.symlinks:
        _link(project, worktree, name)
    for command in project.post_create:
        await _run(project, command, worktree, environment)


def _link(project: Project, worktree: Path, name: str) -> None:
    if project.path is None:
        raise UserError(NO_CLONE.format(project=project.id))
    source, target = project.path.expanduser() / name, worktree / name
    if not source.exists():
        raise UserError(MISSING.format(source=source, project=project.id))
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_symlink() and not target.exists():
        target.symlink_to(source)


async def _run(project: Project, command: str, worktree: Path, environment: Mapping[str, str]) -> None:
    # Not a pipe: what a command leaves in the background would hold it open.
    with tempfile.TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command, cwd=worktree, env=dict(environment), stdin=asyncio.subprocess.DEVNULL,
            stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE):
                code = await process.wait()
        except TimeoutError as exc:
            raise UserError(TOO_LONG.format(project=project.id, command=command, patience=PATIENCE)) from exc
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if code:
            said.seek(max(0, said.seek(0, os.SEEK_END) - TAIL))
            tail = said.read().decode(errors="replace")
            raise UserError(FAILED.format(project=project.id, command=command, code=code, tail=tail))
