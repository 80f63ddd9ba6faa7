"""Another try, or the dead letters."""

import pytest

from bot.verdict import MOST_SURPRISES, MOST_TRIES, judge
from runtime.errors import ForgeBusy, Permanent, Retryable


@pytest.mark.parametrize(
    ("error", "tries"), [(Retryable("busy"), MOST_TRIES), (ValueError("bug"), MOST_SURPRISES), (Permanent("gone"), 1)]
)
def test_each_kind_of_failure_has_its_number_of_tries(error, tries):
    outcomes = [judge(attempts, {"h": error}).outcome for attempts in range(10)]
    assert outcomes == ["retried"] * (tries - 1) + ["dead"] * (11 - tries)


def test_delivery_is_retried_while_one_handler_may_still_succeed():
    failed = {"a": Permanent("gone"), "b": ForgeBusy("rate limit", after=30)}
    assert judge(0, failed) == ("retried", "a: Permanent: gone; b: ForgeBusy: rate limit", 30)
    assert judge(MOST_TRIES - 1, failed).outcome == "dead"


def test_reason_names_an_error_without_words():
    assert judge(0, {"h": KeyError()}).reason == "h: KeyError"
