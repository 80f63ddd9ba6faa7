"""The fact that looks at a session's terminal and process leave behind."""

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
