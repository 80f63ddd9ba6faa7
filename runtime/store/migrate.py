"""Brings the file to the newest schema, with Alembic, in a process that ends when it is done."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from runtime.errors import ConfigError

NEWEST = "0003"


def migrate(path: Path) -> None:
    """Create or upgrade the store at `path`; safe to run again and to kill.

    Raises:
        ConfigError: the file cannot be opened, or was written by a newer version.

    """
    try:
        version = _version(path)
    except sqlite3.Error as exc:
        raise ConfigError(f"cannot open {path}: {exc}. Check the disk, or move the file away to start afresh.") from exc
    if version == NEWEST:
        return
    if version is not None and version > NEWEST:
        raise ConfigError(f"{path} was written by a newer version of ao (schema {version}): upgrade ao.")
    _upgrade(path)


def _version(path: Path) -> str | None:
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def _upgrade(path: Path) -> None:
    """Let a process of its own do it: Alembic takes 18 MB that the service would keep for ever."""
    command = [sys.executable, "-m", "runtime.store.migrate", str(path)]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ConfigError(f"cannot bring {path} up to date: {reason}. Check the disk, or restore a backup.")


def upgrade(path: Path) -> None:
    """Run the migrations in this process."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["path"] = path
    command.upgrade(config, "head")


def main(path: Path) -> None:
    """Run the migrations, or end the process with the database's own words for what went wrong."""
    from sqlalchemy.exc import DBAPIError

    try:
        upgrade(path)
    except DBAPIError as exc:
        sys.exit(str(exc.orig))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
