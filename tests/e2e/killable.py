"""`ao serve` that kills itself after certain committed records, and is started again each time.

killable.py FILE    FILE lists record numbers, one a line; each is crossed out before the kill
"""

import os
import random
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from bot.app import serve
from bot.config import data_dir, environment, load
from bot.pace import Pace
from runtime.hands import Patience
from runtime.published_shapes import published_shapes


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


def born() -> int:
    """Start a life and return its process id: a copy of this process, which has everything loaded and does nothing."""
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    random.seed()
    code = 1
    try:
        code = live()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def live_again_and_again() -> int:
    """Start a new life after each kill, until asked to stop: also while the next one is only being started."""
    lives: list[int] = []
    asked: list[bool] = []

    def stop(*_: object) -> None:
        asked.append(True)
        for life in lives[-1:]:
            os.kill(life, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    published_shapes()
    while not asked:
        lives.append(born())
        if asked:
            os.kill(lives[-1], signal.SIGTERM)
        code = os.waitstatus_to_exitcode(os.waitpid(lives[-1], 0)[1])
        lives.pop()  # its id may be somebody else's from here on
        if code != -signal.SIGKILL:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(live_again_and_again())
