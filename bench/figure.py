"""One row of the table: a figure, what it is judged against, and the verdict."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measurement; with a `floor` its ratio to that is judged, without one the measurement itself."""

    name: str
    measured: float
    unit: str
    goal: float
    floor: float | None = None
    at_least: bool = False
    """The goal is the least that is good enough, not the most."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many floors the measurement is."""
        return None if self.floor is None else self.measured / self.floor

    @property
    def met(self) -> bool:
        """Tell whether the goal is reached."""
        judged = self.measured if self.ratio is None else self.ratio
        return judged >= self.goal if self.at_least else judged <= self.goal

    def as_json(self) -> dict[str, object]:
        """Return the row for programs."""
        return {
            "figure": self.name, "measured": self.measured, "unit": self.unit, "floor": self.floor,
            "ratio": self.ratio, "goal": self.goal, "goal_is": "at least" if self.at_least else "at most",
            "met": self.met, "note": self.note,
        }  # fmt: skip

    def cells(self) -> list[str]:
        """Return the row for people."""
        sign, unit = "≥" if self.at_least else "≤", self.unit if self.ratio is None else "x"
        return [
            self.name,
            _written(self.measured, self.unit),
            "" if self.floor is None else _written(self.floor, self.unit),
            "" if self.ratio is None else f"{self.ratio:.2f}x",
            f"{sign} {_plain(self.goal)}{unit if unit == 'x' else f' {unit}'.rstrip()}",
            "met" if self.met else "MISSED",
            self.note,
        ]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return statistics.median(values)


def _written(value: float, unit: str) -> str:
    return f"{_plain(value)} {unit}".rstrip()


def _plain(value: float) -> str:
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"
