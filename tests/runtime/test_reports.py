"""What agents say of themselves is believed or rejected, kept, and missed when it stays out."""

import pytest

from runtime import reports
from runtime.errors import UserError
from runtime.facts import Process, Turn
from runtime.probe import Slept
from runtime.said import Acknowledged, Report
from tests.fakes.clock import NOW
from tests.fakes.sessions import facts, pull_request, session

RUNS = Process(at=NOW, state="running")


def report(state="working", at=NOW):
    return Report(at=at, state=state)


@pytest.mark.parametrize("written", ["fixing-ci", "FIXING_CI", " fixing_ci\n"])
def test_state_is_understood_with_hyphens_and_capitals(written):
    assert reports.state_of(written) == "fixing_ci"


def test_other_states_are_refused_with_those_that_exist():
    with pytest.raises(UserError, match=r"Unknown state: asleep\. Report one of: started, working, .*, completed"):
        reports.state_of("asleep")
    with pytest.raises(UserError, match=r"Report rejected: done is concluded .* report completed"):
        reports.state_of("done")


@pytest.mark.parametrize(
    ("of", "known", "reason"),
    [
        ({}, {}, None),
        ({}, {"pull_request": pull_request()}, None),
        ({"role": "orchestrator"}, {}, "orchestrator does not report"),
        ({"live": False, "announced_status": "killed"}, {}, "the session has ended (killed)"),
        ({}, {"process": Process(state="exited", exit_code=1)}, "process has ended"),
        ({}, {"process": Process(state="lost")}, None),
        ({}, {"pull_request": pull_request(state="merged")}, "#2 is merged"),
        ({}, {"pull_request": pull_request(state="closed")}, "#2 is closed"),
    ],
)
def test_who_may_report_and_when(of, known, reason):
    said = reports.why_not(session(**of), facts(**known))
    assert (said is None) if reason is None else (reason in said)


@pytest.mark.parametrize(
    ("known", "after", "trigger"),
    [
        ({"process": RUNS}, 599, None),
        ({"process": RUNS}, 600, "no_acknowledge"),
        ({"spawned_at": NOW + 60}, 659, None),
        ({"spawned_at": NOW + 60}, 660, "no_acknowledge"),
        ({"process": RUNS, "acknowledged": Acknowledged(at=NOW)}, 9000, None),
        ({"process": RUNS, "pull_request": pull_request()}, 9000, None),
        ({"process": RUNS, "spawned": False}, 9000, None),
        ({"process": RUNS, "report": report()}, 1799, None),
        ({"process": RUNS, "report": report()}, 1800, "stale_report"),
        ({"process": RUNS, "report": report(), "slept": Slept(naps=((NOW + 60, 3600.0),))}, 5399, None),
        ({"process": RUNS, "report": report(), "slept": Slept(naps=((NOW + 60, 3600.0),))}, 5400, "stale_report"),
        ({"process": RUNS, "report": report("waiting")}, 9000, None),
        ({"report": report(), "turn": Turn(at=NOW + 5, state="ready")}, 9000, None),
        ({"report": report(), "turn": Turn(at=NOW + 5, state="active")}, 9000, "stale_report"),
    ],
)
def test_word_is_overdue_when_it_should_have_come(known, after, trigger):
    missing, _ = reports.overdue(session(), facts(**known), NOW + after)
    assert (missing.trigger if missing else None) == trigger


def test_nothing_is_awaited_of_orchestrators_and_ended_sessions():
    known = facts(process=RUNS)
    assert reports.overdue(session(role="orchestrator"), known, NOW + 9000) == (None, None)
    assert reports.overdue(session(live=False), known, NOW + 9000) == (None, None)


def push(kind, **said):
    return {"kind": kind, "id": f"id-{kind}-{said.get('state', '')}", **said}


async def test_report_is_a_fact_and_changes_the_status(bot, tmp_path):
    await bot.starts()
    await bot.pushes(tmp_path / "p", push("report", state="needs-input", note="Which  colour?"))
    assert (bot.facts.report.state, bot.facts.report.note) == ("needs_input", "Which colour?")
    assert bot.status[0] == "needs_input"
    assert bot.records("report") == ["app-1: ✓ app-1 reported needs_input (working → needs_input)"]


async def test_the_same_report_counts_once(bot, tmp_path):
    await bot.starts()
    await bot.pushes(tmp_path / "p", push("report", state="working"))
    await bot.pushes(tmp_path / "p", push("report", state="working"), push("acknowledge"))
    await bot.pushes(tmp_path / "p", push("acknowledge"))
    assert len(bot.records("report")) == 2
    assert bot.facts.acknowledged is not None


async def test_rejected_report_is_recorded_and_no_fact(bot, tmp_path):
    await bot.starts()
    await bot.pushes(tmp_path / "p", push("report", state="done"), push("report", state="asleep\x1b[2J"))
    await bot.learns(pull_request(state="merged"))
    await bot.pushes(tmp_path / "p", push("report", state="completed"))
    assert bot.facts.report is None
    assert [row.data["accepted"] for row in bot.rows("records", kind="report")] == [False] * 3
    assert [row.level for row in bot.rows("records", kind="report")] == ["warning"] * 3
    said = bot.records("report")
    assert "Report rejected: done is concluded" in said[0]
    assert "Unknown state: asleep" in said[1]
    assert "Report rejected: the session has ended (merged)" in said[2]


async def test_missing_acknowledgement_is_learnt_when_it_is_due_and_taken_back_when_it_comes(bot, clock, tmp_path):
    await bot.starts()
    assert bot.session.recheck_at <= clock() + reports.NO_ACKNOWLEDGE_AFTER
    clock.passes(reports.NO_ACKNOWLEDGE_AFTER)
    await bot.store.write(lambda tx: tx.touched.add("app-1"))
    await bot.store.write(lambda tx: tx.touched.add("app-1"))
    assert bot.facts.report_overdue.trigger == "no_acknowledge"
    told = "app-1: the agent has not acknowledged its task"
    assert bot.records("fact").count(told) == 1
    await bot.pushes(tmp_path / "p", push("acknowledge"))
    assert bot.facts.report_overdue.trigger == ""
    assert bot.records("fact")[-1] == "app-1: no word of the agent is overdue any more"


async def test_report_without_an_id_counts_each_time(bot, tmp_path):
    await bot.starts()
    await bot.pushes(tmp_path / "p", {"kind": "report", "state": "working"})
    await bot.pushes(tmp_path / "p", {"kind": "report", "state": "fixing_ci"})
    assert bot.facts.report.state == "fixing_ci"
