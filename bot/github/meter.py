"""Counts every request, for the metrics and for the demo's last table."""

from collections import Counter
from collections.abc import Callable

Hook = Callable[[str, str, int | None], None]


class Meter:
    """How often GitHub was asked, by method and result, and what is left of the quota."""

    def __init__(self, hook: Hook | None = None) -> None:
        self.calls = 0
        self.by: Counter[tuple[str, str]] = Counter()
        self.remaining: int | None = None
        self._hook = hook

    def count(self, method: str, result: str, remaining: int | None = None) -> None:
        """Count one request; `result` is its status, or `timeout` or `unreachable`."""
        self.calls += 1
        self.by[method, result] += 1
        if remaining is not None:
            self.remaining = remaining
        if self._hook:
            self._hook(method, result, remaining)
