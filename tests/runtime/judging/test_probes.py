"""What a row of looks at a terminal comes to."""

import pytest

from runtime.judging.probes import Sight, fine, lost, next_probe
from runtime.probe import Probe
from runtime.project import Times
from tests.fakes.clock import NOW

TIMES = Times(death_confirm=5)
ALIVE, GONE, ALONE = ("alive", "alive"), ("missing", "gone"), ("missing", "unknown")
APART, SILENT, HOLLOW = ("missing", "alive"), ("unknown", "unknown"), ("alive", "gone")


def sight(seen):
    return Sight(terminal=seen[0], process=seen[1])


def watched(*seen, outage=False, every=5.0):
    """Look once for each of these, `every` seconds apart; return each look's attempts, and after which it was lost."""
    probe, counted, now = None, [], NOW
    for number, one in enumerate(seen, 1):
        probe = next_probe(probe, sight(one), now, outage=outage) or probe
        counted.append(probe.attempts if probe else None)
        if probe and not fine(probe) and lost(probe, now, TIMES):
            return counted, number
        now += every
    return counted, None


@pytest.mark.parametrize(
    ("seen", "lost_at"),
    [
        ([GONE, GONE], 2),
        ([GONE], None),
        ([APART, GONE, GONE], 3),
        ([ALONE] * 4, 4),
        ([HOLLOW] * 4, 4),
        ([ALONE] * 3 + [ALIVE] + [ALONE] * 3, None),
        ([APART] * 9, None),
        ([SILENT] * 9, None),
        ([("unknown", "gone")] * 9, None),
        ([ALONE, ALONE, SILENT, ALONE, ALONE, ALONE], None),
        ([GONE, ALIVE, GONE], None),
        ([ALIVE] * 9, None),
    ],
)
def test_only_what_stays_certain_is_lost(seen, lost_at):
    assert watched(*seen)[1] == lost_at


def test_looks_in_quick_succession_are_no_confirmation():
    assert watched(GONE, GONE, GONE, every=2)[1] is None
    assert watched(GONE, GONE, GONE, GONE, every=2)[1] == 4


def test_same_evidence_is_counted_to_one_more_than_needed_and_other_evidence_anew():
    assert watched(SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)[0] == [1, 2, 3, 4, 4, 4]
    assert watched(APART, APART, ALONE, ALONE)[0] == [1, 2, 1, 2]
    assert watched(ALIVE, APART, ALIVE, APART)[0] == [None, 1, 0, 1]


def test_in_an_outage_nothing_counts_but_what_is_certain():
    assert watched(*[ALONE] * 9, outage=True) == ([0] * 9, None)
    assert watched(GONE, GONE, outage=True) == ([1, 2], 2)


def test_look_that_brings_nothing_new_is_no_fact():
    first = next_probe(None, sight(SILENT), NOW, outage=True)
    assert next_probe(first, sight(SILENT), NOW + 5, outage=True) is None
    assert next_probe(None, sight(ALIVE), NOW, outage=False) is None
    worn = Probe(terminal="unknown", since=NOW, attempts=4)
    assert next_probe(worn, sight(SILENT), NOW + 5, outage=False) is None


def test_doubt_is_as_old_as_its_first_look_whatever_was_seen_since():
    first = next_probe(None, sight(APART), NOW, outage=False)
    then = next_probe(first, sight(ALONE), NOW + 5, outage=False)
    back = next_probe(then, sight(ALIVE), NOW + 9, outage=False)
    assert (then.since, back.since, back.attempts) == (NOW, NOW + 9, 0)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (GONE, "its terminal is missing, its process is gone"),
        (SILENT, "tmux does not answer, its process is unknown"),
        (HOLLOW, "its terminal is alive, its process is gone"),
    ],
)
def test_look_says_what_was_seen(seen, said):
    assert next_probe(None, sight(seen), NOW, outage=False).detail == said
