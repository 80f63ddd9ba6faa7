"""Troubles the local GitHub makes on request: for API calls and for webhook deliveries, each counted down."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field

from bot.demo.github.people import Json

REQUEST_KINDS = ("error", "secondary", "too_many", "exhausted", "slow")
DELIVERY_KINDS = ("drop", "repeat", "hold", "delay")


@dataclass
class Fault:
    """One trouble; `times` is how often it still strikes, `struck` how often it did.

    Requests match by method and a regular expression for the path, deliveries by a regular expression for
    `event.action`. `seconds` is the delay of `slow` and `delay` and the `retry-after` of `secondary` and `too_many`.
    """

    kind: str
    times: int = 1
    match: str = ""
    method: str = ""
    status: int = 502
    seconds: float = 0.0
    after: bool = False
    struck: int = 0


@dataclass
class Faults:
    """All troubles in force; the first that matches strikes."""

    active: list[Fault] = field(default_factory=list)

    def add(self, kind: str, *, times: int = 1, match: str = "", method: str = "", **more: float | bool) -> Fault:
        """Put a trouble in force.

        `error` answers `status` (with `after=True` the request is done first, so only the answer is lost),
        `secondary` 403 with retry-after, `too_many` 429, `exhausted` 403 with nothing remaining, `slow` waits.
        `drop` loses a delivery, `repeat` sends it twice, `hold` sends it after the next one, `delay` lets others pass.
        """
        if kind not in REQUEST_KINDS + DELIVERY_KINDS:
            raise ValueError(f"unknown fault {kind!r}: use one of {', '.join(REQUEST_KINDS + DELIVERY_KINDS)}")
        re.compile(match)
        unknown = more.keys() - {"status", "seconds", "after"}
        if unknown:
            raise ValueError(f"unknown fault settings: {', '.join(sorted(unknown))}")
        fault = Fault(kind, times=times, match=match, method=method.upper())
        fault.status = int(more.get("status", fault.status))
        fault.seconds = float(more.get("seconds", fault.seconds))
        fault.after = bool(more.get("after", False))
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """End all troubles."""
        self.active.clear()

    def for_request(self, method: str, path: str) -> Fault | None:
        """The trouble that strikes this request, counted."""
        return self._strike(REQUEST_KINDS, path, method)

    def for_delivery(self, event: str, action: str | None) -> Fault | None:
        """The trouble that strikes this delivery, counted."""
        return self._strike(DELIVERY_KINDS, f"{event}.{action}" if action else event, "")

    def as_json(self) -> list[Json]:
        """What the control plane shows."""
        return [asdict(fault) for fault in self.active]

    def _strike(self, kinds: tuple[str, ...], name: str, method: str) -> Fault | None:
        for fault in self.active:
            fits = fault.kind in kinds and fault.method in ("", method) and re.search(fault.match, name)
            if fits and fault.struck < fault.times:
                fault.struck += 1
                return fault
        return None
