"""What looks at terminals and processes mean; unknown is not dead, and no death is concluded from one look."""

from typing import Literal

import msgspec

from runtime.facts import Facts
from runtime.judging.judgement import Judgement, Status
from runtime.probe import Probe
from runtime.project import Times

MAX_ATTEMPTS = 3
LIMIT = 300.0
"""How long a session may be `detecting`, seconds."""

Terminal = Literal["alive", "missing", "unknown"]

_ABOUT = {"missing": "tmux_missing", "unknown": "probe_error", "alive": "process_missing"}


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What one look has found."""

    terminal: Terminal
    process: Literal["alive", "gone", "unknown"]

    @property
    def certain(self) -> bool:
        """Tell whether both the terminal and the process are certainly gone."""
        return self.terminal == "missing" and self.process == "gone"

    def __str__(self) -> str:
        """Say what was seen."""
        terminal = "tmux does not answer" if self.terminal == "unknown" else f"its terminal is {self.terminal}"
        return f"{terminal}, its process is {self.process}"


def fine(seen: Sight | Probe) -> bool:
    """Tell whether nothing speaks against the agent's life."""
    return seen.terminal == "alive" and seen.process != "gone"


def next_probe(before: Probe | None, sight: Sight, now: float, *, outage: bool) -> Probe | None:
    """Return the fact to store after a look, or None when it brings nothing new.

    Looks that find the same are counted up to one more than needed; other evidence counts from one again. In an
    outage none counts, except for what is certain all the same.
    """
    known = before if before is not None and not fine(before) else None
    if fine(sight):
        return _probe(sight, now, since=now, attempts=0) if known else None
    same = known is not None and (known.terminal, known.process) == (sight.terminal, sight.process)
    attempts = (known.attempts if known and same else 0) + 1
    if outage and not sight.certain:
        attempts = known.attempts if known and same else 0
    if known and same and (known.attempts == attempts or known.attempts > MAX_ATTEMPTS):
        return None
    return _probe(sight, now, since=known.since if known else now, attempts=attempts)


def _probe(sight: Sight, now: float, *, since: float, attempts: int) -> Probe:
    return Probe(
        at=now, terminal=sight.terminal, process=sight.process, since=since, attempts=attempts, detail=str(sight)
    )


def lost(probe: Probe, now: float, times: Times) -> bool:
    """Tell whether what was seen, at this look for the last time, is a death.

    Terminal and process both gone: when a second look has confirmed it. Only one of them gone and the other one
    not known to live: after all attempts. A process that lives, or a tmux that does not answer, never.
    """
    if probe.terminal == "unknown" or probe.process == "alive":
        return False
    if probe.terminal == "missing" and probe.process == "gone":
        return probe.attempts > 1 and now - probe.since >= times.death_confirm
    return probe.attempts > MAX_ATTEMPTS and now - probe.since >= times.death_confirm


def detecting(facts: Facts, now: float) -> Judgement | None:
    """Return that it is being found out whether the agent lives, and for how long at most."""
    probe = facts.probe
    if probe is None or fine(probe):
        return None
    until = probe.since + facts.slept.since(probe.since) + LIMIT
    if now >= until or probe.attempts > MAX_ATTEMPTS:
        return Judgement(status=Status.STUCK, reason="probe_failure", evidence=probe.detail)
    look = f" (look {probe.attempts} of {MAX_ATTEMPTS})" if probe.attempts else ""
    return Judgement(status=Status.DETECTING, reason=_reason(probe), evidence=probe.detail + look, recheck_at=until)


def _reason(probe: Probe) -> str:
    return "signals_disagree" if (probe.terminal, probe.process) == ("missing", "alive") else _ABOUT[probe.terminal]
