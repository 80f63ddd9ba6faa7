"""What the service was told: the only reader of the environment, cheap to import for the command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import ConfigError

if TYPE_CHECKING:
    from bot.settings import Settings
    from runtime.project import Project

SOCKET_PATH_LIMIT = 107
"""Bytes of a Unix socket's path on Linux: https://man7.org/linux/man-pages/man7/unix.7.html"""

WRITE_PROJECT = "write `projects: {{my-app: {{repo: owner/my-app}}}}` into {file}"
_LONGEST_SESSION_NUMBER = 99999


@dataclass(frozen=True)
class Config:
    """The effective configuration; a project in `broken` does not work and does not stop the others."""

    settings: "Settings"
    file: Path | None
    projects: "dict[str, Project]"
    broken: dict[str, tuple[str, ...]]

    @property
    def data_dir(self) -> Path:
        """Everything the service keeps is below this directory."""
        return self.settings.data_dir

    @property
    def socket(self) -> Path:
        """Where the command line reaches the service."""
        return self.data_dir / "ao.sock"

    @property
    def without_project(self) -> str:
        """What to write where no project is configured; nothing where one is, if only a broken one."""
        known = self.projects or self.broken
        return "" if known else WRITE_PROJECT.format(file=self.file or "agent-orchestrator.yaml")


def environment() -> dict[str, str]:
    """Return a copy of the process's environment."""
    return dict(os.environ)


def data_dir(environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the data directory, absolute, whether or not it exists."""
    return absolute(environ.get("AO_DATA_DIR") or "~/.agent-orchestrator", environ, cwd)


def socket_path(environ: Mapping[str, str], cwd: Path) -> Path:
    """Return where a running service listens for the command line."""
    return data_dir(environ, cwd) / "ao.sock"


def absolute(path: str | Path, environ: Mapping[str, str], base: Path) -> Path:
    """Expand `~` by the given environment and place a relative path below `base`."""
    text = str(path)
    if text == "~" or text.startswith("~/"):
        home = environ.get("HOME") or str(Path.home())
        text = home + text[1:]
    return Path(os.path.normpath(base / text))


def calling_session(environ: Mapping[str, str]) -> str | None:
    """Return the session whose agent runs this command, if one does."""
    return environ.get("AO_SESSION") or None


@dataclass(frozen=True)
class Reading:
    """What a first look at the configuration found; `config` is None when it cannot be used at all."""

    config: Config | None
    problems: tuple[str, ...]
    lacking: tuple[str, ...]
    """What only `ao serve` needs: a webhook secret, and who the bot is."""


def load(environ: Mapping[str, str], cwd: Path) -> Config:
    """Read and check everything; raise one ConfigError with a line per problem, except of single projects."""
    reading = read(environ, cwd)
    problems = [*reading.problems, *reading.lacking]
    if reading.config is None or problems:
        raise ConfigError("\n".join(problems))
    return reading.config


def read(environ: Mapping[str, str], cwd: Path) -> Reading:
    """Read and check everything, and return the problems beside what could be read."""
    from bot.config_file import read_file, read_projects
    from bot.settings import lacking, read_settings

    place = data_dir(environ, cwd)
    file = read_file(environ, cwd, place)
    settings, problems = read_settings(environ, cwd, place, file)
    projects, broken = read_projects(file, environ, cwd)
    problems = [*file.problems, *problems, *data_dir_problems(place, projects)]
    if broken and (problems or not projects):  # what stops the start is told all at once
        problems += [line for lines in broken.values() for line in lines]
    if settings is None:
        return Reading(None, tuple(problems), ())
    config = Config(settings=settings, file=file.path, projects=projects, broken=broken)
    return Reading(config, tuple(problems), tuple(lacking(settings)))


def data_dir_problems(place: Path, projects: "Mapping[str, Project]") -> list[str]:
    """Return why the data directory cannot be used: not writable, or too deep for the sockets below it."""
    problems = []
    existing = next(path for path in (place, *place.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        problems.append(
            f"environment: AO_DATA_DIR: {existing} is not a directory that you can write to: choose another"
        )
    longest = max((project.session_prefix for project in projects.values()), key=len, default="")
    sockets = [place / "ao.sock"]
    if longest:
        sockets.append(place / "launch" / f"{longest}-{_LONGEST_SESSION_NUMBER}" / "gate.sock")
    over = max(len(os.fsencode(socket)) for socket in sockets) - SOCKET_PATH_LIMIT
    if over > 0:
        problems.append(
            f"environment: AO_DATA_DIR: {place} is {over} bytes too long for the sockets in it: choose a shorter one"
        )
    return problems


def make_data_dir(place: Path) -> None:
    """Create the data directory, or close it to other people."""
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"environment: AO_DATA_DIR: {place} cannot be created ({error.strerror}): choose another"
        ) from error
