"""`ao serve` that kills itself after certain committed records, and is started again each time.

killable.py FILE           FILE lists record numbers, one a line; each is crossed out before the kill
killable.py FILE --once    one life of it
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def killer(plan: Path, database: Path) -> Callable[[], None]:
    """Return what is called after each commit: the k-th record on disk ends the process, for each planned k."""
    points = sorted(int(line) for line in plan.read_text().split())
    connections: list[sqlite3.Connection] = []

    def after_commit() -> None:
        if not points:
            return
        if not connections:
            connections.append(sqlite3.connect(f"file:{database}?mode=ro", uri=True, check_same_thread=False))
        newest = connections[0].execute("SELECT COALESCE(MAX(id), 0) FROM records").fetchone()[0]
        if newest >= points[0]:
            # One death for each: a point that the same commit has passed is due at the next one.
            plan.write_text("\n".join(map(str, points[1:])))
            os.kill(os.getpid(), signal.SIGKILL)

    return after_commit


def live() -> int:
    """Serve until stopped or killed; differs from `ao serve` only in its pace."""
    from bot.app import serve
    from bot.config import data_dir, environment, load
    from bot.pace import Pace
    from runtime.hands import Patience

    place = data_dir(environment(), Path.cwd())
    pace = Pace(
        write_interval=0.0,
        edit_interval=0.0,
        uncertain_for=0.1,
        quiet=0.05,
        redeliver_after=(0.0, 0.3, 1.0),
        redeliver_every=1.0,
        patience=Patience(after_restart=0.5),
        on_commit=killer(Path(sys.argv[1]), place / "ao.db"),
    )
    return serve(load(environment(), Path.cwd()), pace=pace)


def surroundings() -> dict[str, str]:
    """Return the environment of the next life; nobody learns what one that is going to be killed has run through."""
    doomed = bool(Path(sys.argv[1]).read_text().split())
    return {name: value for name, value in os.environ.items() if not (doomed and name.startswith("COVERAGE_"))}


def live_again_and_again() -> int:
    """Start a new life after each kill, until asked to stop: also while the next one is only being started."""
    lives: list[subprocess.Popen[bytes]] = []
    asked: list[bool] = []

    def stop(*_: object) -> None:
        asked.append(True)
        for life in lives[-1:]:
            life.terminate()

    signal.signal(signal.SIGTERM, stop)
    while not asked:
        lives.append(subprocess.Popen([sys.executable, *sys.argv, "--once"], env=surroundings()))
        if asked:
            lives[-1].terminate()
        if lives[-1].wait() != -signal.SIGKILL:
            return lives[-1].returncode
    return 0


if __name__ == "__main__":
    sys.exit(live() if "--once" in sys.argv else live_again_and_again())
