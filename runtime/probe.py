"""The facts that looks at a session's terminal and process, and at the clock, leave behind."""

from typing import ClassVar, Literal

from runtime.fact import Fact


class Probe(Fact, frozen=True, kw_only=True):
    """What the last looks at the session's terminal and process found, since they stopped finding both alive."""

    kind: ClassVar[str] = "probe"
    terminal: Literal["alive", "missing", "unknown"]
    process: Literal["alive", "gone", "unknown"] = "unknown"
    since: float = 0.0
    attempts: int = 0
    """How many looks in a row have found the same."""
    detail: str = ""


class Slept(Fact, frozen=True, kw_only=True):
    """The machine has slept while the session lived: that nothing was heard meanwhile says nothing."""

    kind: ClassVar[str] = "slept"
    naps: tuple[tuple[float, float], ...] = ()
    """When it woke and for how many seconds it had slept, the last ones, oldest first."""

    def since(self, moment: float) -> float:
        """Return how much of the time since a moment was slept, seconds."""
        return sum(seconds for woke, seconds in self.naps if woke > moment)
