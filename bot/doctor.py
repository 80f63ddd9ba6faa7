"""`ao doctor`: what the service needs, checked where it will run."""

import asyncio
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.config import Config, data_dir, make_data_dir, read
from bot.findings import Finding, failed, failure, passed, report, warning
from runtime.agents import load as load_agents
from runtime.errors import ConfigError, UserError

__all__ = ["examine", "failed", "report"]

PYTHON = (3, 11)
GIT = (2, 38)
"""The first with `git merge-tree --write-tree`; https://git-scm.com/docs/git-merge-tree"""
LITTLE_SPACE, ENOUGH_SPACE = 500 * 1024**2, 5 * 1024**3

_INSTALL_GIT = "install git 2.38 or newer: https://git-scm.com/downloads"


def examine(environ: Mapping[str, str], cwd: Path, *, fix: bool = False) -> list[Finding]:
    """Run every check; with `fix`, the data directory is created and closed to other people first."""
    from bot.doctor_online import online
    from bot.doctor_strays import leftovers

    place = data_dir(environ, cwd)
    # first, since a data directory that can be created is no problem of the configuration
    storage = _data_dir(place, fix=fix)
    reading = read(environ, cwd)
    config = reading.config
    findings = [_python(), git(environ), _tmux(place), *_configuration(config, [*reading.problems, *reading.lacking])]
    findings += [*storage, *leftovers(place, config), *_agents(config, environ)]
    if config is not None:
        findings += [*_key(config, fix=fix), *_sandbox(config), *online(config)]
    return findings


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < PYTHON:
        return failure("python", version, "install Python 3.11 or newer and run `make install` with it")
    return passed("python", version)


def git(environ: Mapping[str, str]) -> Finding:
    """Find git in PATH and judge its version."""
    if not (program := shutil.which("git", path=environ.get("PATH"))):
        return failure("git", "missing", _INSTALL_GIT)
    try:
        ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return failure("git", f"{program} does not run", _INSTALL_GIT)
    said = ran.stdout.strip()
    number = re.search(r"(\d+)\.(\d+)", said)
    if number is None or (int(number[1]), int(number[2])) < GIT:
        return failure("git", f"{said} is too old", _INSTALL_GIT)
    return passed("git", said.removeprefix("git version "))


def _tmux(place: Path) -> Finding:
    from runtime.tmux import Tmux

    tmux = Tmux(place / "doctor.tmux")
    try:
        return passed("tmux", asyncio.run(tmux.check()))
    except ConfigError as error:
        detail, _, fix = str(error).partition(": ")
        return failure("tmux", detail, fix)
    finally:
        tmux.close()


def _configuration(config: Config | None, problems: list[str]) -> list[Finding]:
    broken = [line for lines in config.broken.values() for line in lines] if config else []
    found = [failure("configuration", *_told(problem)) for problem in dict.fromkeys([*problems, *broken])]
    if config and not found:
        detail = f"{config.file or 'environment only'}, projects: {', '.join(config.projects) or 'none'}"
        missing = config.without_project
        return [warning("configuration", detail, missing) if missing else passed("configuration", detail)]
    return found


def _told(problem: str) -> tuple[str, str]:
    """Split a problem's line into what is wrong and what to do about it."""
    for mark in ("; ", " is not possible: ", ": choose"):
        before, found, after = problem.rpartition(mark)
        if found:
            return before, "choose" + after if mark == ": choose" else after
    return problem, "correct it"


def _data_dir(place: Path, *, fix: bool) -> list[Finding]:
    existed, mode = place.is_dir(), place.stat().st_mode & 0o777 if place.is_dir() else 0
    if not existed and not fix:
        return [
            warning("data", f"{place} does not exist yet", "it is created at the first start, or by: ao doctor --fix")
        ]
    if existed and mode & 0o077 and not fix:
        return [
            warning(
                "data", f"{place} is open to other people (mode {mode:o})", f"chmod 700 {place}, or: ao doctor --fix"
            )
        ]
    if fix:
        try:
            make_data_dir(place)
        except ConfigError as error:
            return [failure("data", *_told(str(error)))]
    repaired = not existed or bool(mode & 0o077)
    return [passed("data", str(place), fixed=repaired), _space(place)]


def _space(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    detail = f"{free / 1024**3:.1f} GB free below {place}"
    if free < LITTLE_SPACE:
        return failure("disk", detail, "free some space, or set AO_DATA_DIR to a larger disk")
    if free < ENOUGH_SPACE:
        return warning("disk", detail, "worktrees need room: free some space, or set AO_DATA_DIR to a larger disk")
    return passed("disk", detail)


def _agents(config: Config | None, environ: Mapping[str, str]) -> list[Finding]:
    """An agent that a project uses must be there; of the others, those that are there are named."""
    used = {project.agent for project in config.projects.values()} if config else set()
    findings = []
    for name, agent in sorted(load_agents().items()):
        try:
            findings.append(
                passed(f"agent {name}"[:13] if len(name) > 13 else name, agent.installed(environ.get("PATH", "")))
            )
        except UserError as error:
            if name in used:
                findings.append(failure(name, "a project uses it, and it is not installed", str(error)))
    return findings


def _key(config: Config, *, fix: bool) -> list[Finding]:
    key = config.settings.github_private_key_file
    if key is None or not key.is_file() or not (mode := key.stat().st_mode & 0o077):
        return []
    if fix:
        key.chmod(0o600)
        return [passed("key", str(key), fixed=True)]
    return [warning("key", f"{key} is open to other people ({mode:o})", f"chmod 600 {key}, or: ao doctor --fix")]


def _sandbox(config: Config) -> list[Finding]:
    if not config.projects:
        return []
    detail = "agents run without a sandbox: they can do what you can do on this machine"
    return [warning("sandbox", detail, "run the service as a user of its own, or in a container; see deploy/README.md")]
