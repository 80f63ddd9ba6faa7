"""Leaves out what no longer counts: everything before a restore, and a loss that evidence of life has undone."""

from collections.abc import Sequence

import msgspec

from runtime.fact import Fact
from runtime.facts import Facts, Process, PullRequest, Turn
from runtime.judging.probes import fine

_OF_A_LIFE = (
    "process", "turn", "probe", "killed", "spawn_failed", "report", "acknowledged", "cleaned", "issue_closed", "paused",
    "report_overdue",
    "interrupt", "decision",
)  # fmt: skip
"""Facts about one life of a session; a restore begins another."""


def current(facts: Facts) -> Facts:
    """Return the facts that count now; doing it twice changes nothing."""
    return _undo_loss(_since_restored(facts))


def _since_restored(facts: Facts) -> Facts:
    if facts.restored is None:
        return facts
    since = facts.restored.at
    old = {name: None for name in _OF_A_LIFE if is_before(getattr(facts, name), since)}
    pulls = tuple(pull for pull in facts.pull_requests if not _is_over(pull, since))
    if facts.pull_request is not None and _is_over(facts.pull_request, since):
        old["pull_request"] = pulls[0] if pulls else None  # type: ignore[assignment]  # mypy takes the type from the line above
    return msgspec.structs.replace(facts, pull_requests=pulls, **old)


def is_before(fact: Fact | None, since: float) -> bool:
    """Tell whether a fact is of an earlier life; at the same moment, what speaks for life is of the new one."""
    if fact is None:
        return False
    lives = isinstance(fact, Turn) or (isinstance(fact, Process) and fact.state == "running")
    return fact.at < since or (fact.at == since and not lives)


def _is_over(pull: PullRequest, since: float) -> bool:
    return pull.state != "open" and pull.at <= since


def _undo_loss(facts: Facts) -> Facts:
    process = facts.process
    if process is None or process.state != "lost" or facts.cleaned is not None:
        return facts
    if not _lives(facts, process.at):
        return facts
    return msgspec.structs.replace(facts, process=msgspec.structs.replace(process, state="running"))


def _lives(facts: Facts, since: float) -> bool:
    signs: Sequence[Fact | None] = (facts.turn, facts.report, facts.acknowledged)
    said = any(sign is not None and sign.at > since for sign in signs)
    probe = facts.probe
    return said or (probe is not None and probe.at > since and fine(probe))
