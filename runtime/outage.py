"""What is said of a tmux that does not answer or misses many terminals: when that begins, and how it ends."""

from collections.abc import Collection
from typing import NamedTuple

OUTAGE_FROM = 5
"""So many terminals missing at once, and more than half, are an outage of tmux and not so many deaths."""

SILENT = "tmux does not answer: no death is concluded from it"
MISSING = "{missing} of {expected} terminals are missing at once: no death is concluded from it"
ANSWERS = "tmux answers again"
SHOWN = "tmux shows {shown} of {missing} terminals again"
LOST = "{agents} died with tmux"
GONE = "tmux has gone, and {agents} with it"


class News(NamedTuple):
    """What has changed, and whether somebody should hear of it."""

    text: str
    bad: bool


class Outage:
    """What tmux misses since it stopped to answer or to show its terminals, and who was lost meanwhile."""

    def __init__(self) -> None:
        self._why = ""
        self._open = False
        self._missing: set[str] = set()
        self._lost = 0

    def look(self, why: str, *, missing: Collection[str], shown: Collection[str], lost: int) -> News | None:
        """Take in a look and return what is new; `why` is empty when it found no outage, `lost` counts its deaths.

        It is over when a terminal is shown again, or when none is missed any more.
        """
        begins, self._why = bool(why) and not self._why, why
        self._open = self._open or begins
        self._lost += lost if self._open else 0
        self._missing.update(missing if why else ())
        if begins:
            return News(why, bad=True)
        again = len(self._missing.intersection(shown))
        undecided = not again and self._missing.intersection(missing)
        return None if why or undecided or not self._open else self._over(again)

    def _over(self, again: int) -> News:
        missing, gone = len(self._missing), self._lost
        self._open, self._missing, self._lost = False, set(), 0
        if not missing:
            return News(ANSWERS, bad=False)
        shown = SHOWN.format(shown=again, missing=missing)
        if not gone:
            return News(shown, bad=False)
        lost = LOST.format(agents=agents(gone))
        return News(f"{shown}; {lost}" if again else lost, bad=True)


def agents(count: int) -> str:
    """Return `1 agent` or `3 agents`."""
    return "1 agent" if count == 1 else f"{count} agents"
