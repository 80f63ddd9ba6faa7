"""How fast the service goes about things: real values by default, others in tests and benchmarks."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.worker import Limits as WorkerLimits
from runtime.clock import Clock, system_clock
from runtime.hands import Patience
from runtime.pool import QUIET


def _nothing() -> None:
    """Do nothing after a commit."""


@dataclass(frozen=True)
class Pace:
    """Policy values; seconds."""

    write_interval: float = 1.0
    """Between two writes to one installation: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests"""
    edit_interval: float = 3.0
    """Between two edits of a status comment; what changes in between is said by the next one."""
    uncertain_for: float = 2.0
    """How long GitHub may still be busy with a request whose sender was killed."""
    quiet: float = QUIET
    """After a spawn, before the next checkout is made ahead."""
    drain: float = 20.0
    redeliver_after: tuple[float, ...] = (0.0, 15.0, 60.0)
    """When after the start lost deliveries are looked for, and then every `redeliver_every`."""
    redeliver_every: float = 900.0
    patience: Patience = field(default_factory=Patience)
    worker: WorkerLimits = field(default_factory=WorkerLimits)
    clock: Clock = system_clock
    on_commit: Callable[[], None] = _nothing
    """Called on the store's thread after each commit is on disk."""
