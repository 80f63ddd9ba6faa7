"""What follows from failed handlers: another try, or the dead letters."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from runtime.errors import Permanent, Retryable

MOST_TRIES = 8
"""For what is known to pass, such as a rate limit."""
MOST_SURPRISES = 5
"""For what nobody expected."""


class Verdict(NamedTuple):
    """What becomes of a delivery of which not every handler is through."""

    outcome: Literal["retried", "dead"]
    reason: str
    after: float = 0.0


def judge(attempts: int, failed: Mapping[str, Exception]) -> Verdict:
    """Decide about a delivery whose run number `attempts + 1` left these handlers unfinished.

    As long as one of them may still succeed, all of them run again.
    """
    reason = "; ".join(f"{name}: {_words(error)}" for name, error in failed.items())
    hopeful = [error for error in failed.values() if attempts + 1 < _tries(error)]
    if not hopeful:
        return Verdict("dead", reason)
    return Verdict("retried", reason, max(error.after if isinstance(error, Retryable) else 0.0 for error in hopeful))


def _tries(error: Exception) -> int:
    if isinstance(error, Permanent):
        return 1
    return MOST_TRIES if isinstance(error, Retryable) else MOST_SURPRISES


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
