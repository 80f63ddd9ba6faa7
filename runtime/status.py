"""What state a session is in, judged from facts and nothing else."""

from runtime.current import current
from runtime.facts import Facts
from runtime.judging.ends import ended
from runtime.judging.judgement import ENDED, Judgement, Status
from runtime.judging.probes import detecting
from runtime.judging.pulls import ci_status, of_pull_request, review_decision
from runtime.judging.reports import finished, reported
from runtime.judging.turns import activity, alone, starting, waiting
from runtime.project import Times

__all__ = ["ENDED", "Judgement", "Status", "activity", "ci_status", "judge", "review_decision"]


def judge(facts: Facts, now: float, times: Times) -> Judgement:
    """Return the session's status; the first rule that matches wins.

    A merge outranks everything, death everything but a merge, a pending decision everything alive. A look that
    found nothing out decides less than any of them.
    """
    facts = current(facts)
    return (
        ended(facts)
        or waiting(facts)
        or starting(facts, now, times)
        or detecting(facts, now)
        or finished(facts)
        or of_pull_request(facts)
        or reported(facts, now)
        or alone(facts, now, times)
    )
