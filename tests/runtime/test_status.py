"""The judgement: a table of statuses, and what holds whatever is known."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.current import current
from runtime.facts import Check, Cleaned, Facts, Killed, Paused, Process, PullRequest, Review, SpawnFailed, Turn
from runtime.probe import Probe, Slept
from runtime.project import Times
from runtime.said import Acknowledged, Report, Restored
from runtime.status import ENDED, Status, activity, ci_status, judge, review_decision
from tests.fakes.clock import NOW
from tests.fakes.sessions import facts, pull_request

TIMES = Times()
SHA = "a" * 40


def turn(state, ago=0.0, **more):
    return Turn(at=NOW - ago, state=state, **more)


def check(conclusion, sha=SHA, name="tests"):
    return Check(name=name, head_sha=sha, conclusion=conclusion)


def review(state, by="reviewer"):
    return Review(reviewer=by, state=state)


ACTIVE, READY = turn("active"), turn("ready")
OPEN, MERGED = pull_request(), pull_request(state="merged", merge_sha="m" * 40)
PASSED, FAILED, RUNNING = check("success"), check("failure"), check("")
APPROVED, OBJECTED, PLEASED = review("approved"), review("changes_requested"), review("approved", "b")
UNSURE = pull_request(mergeable=None)
DIED = Process(state="exited", exit_code=1)
DRAFT = pull_request(draft=True)
CLOSED = pull_request(state="closed")


def process(state, ago=0.0, **more):
    return Process(at=NOW - ago, state=state, **more)


def report(state, ago=0.0, **more):
    return Report(at=NOW - ago, state=state, **more)


def probe(terminal, process="unknown", ago=0.0, attempts=1, since=0.0):
    return Probe(at=NOW - ago, terminal=terminal, process=process, since=NOW - since, attempts=attempts, detail="seen")


def slept(seconds, ago=0.0):
    return Slept(at=NOW - ago, naps=((NOW - ago, seconds),))


def restored(ago=0.0):
    return Restored(at=NOW - ago, by="maintainer")


def killed(ago=0.0, reason="manually_killed"):
    return Killed(at=NOW - ago, by="x", reason=reason)


UNSEEN = probe("missing", "unknown")
CLEANED, CLEARED = Cleaned(at=NOW), Cleaned(at=NOW - 10)
RESTED, LOST, BACK, COMPLETED = turn("ready", 9), process("lost", 5), restored(9), report("completed", 5)
NOT_STARTED = SpawnFailed(at=NOW - 10, step="s", error="e")
UNDECIDED = "pr_closed_waiting_decision"
BOTH = (MERGED, OPEN)

TABLE = [
    ({"spawned": False}, "spawning", "spawn_requested"),
    ({}, "spawning", "waiting_for_agent"),
    ({"spawned": False, "turn": READY}, "spawning", "spawn_requested"),
    ({"turn": ACTIVE}, "working", "task_in_progress"),
    ({"turn": READY}, "working", "turn_finished"),
    ({"turn": turn("ready", 299)}, "working", "turn_finished"),
    ({"turn": turn("ready", 300)}, "idle", "turn_finished"),
    ({"turn": turn("ready", 599)}, "idle", "turn_finished"),
    ({"turn": turn("ready", 600)}, "stuck", "no_sign_of_work"),
    ({"turn": turn("active", 599)}, "working", "task_in_progress"),
    ({"turn": turn("active", 600)}, "stuck", "no_sign_of_work"),
    ({"turn": turn("waiting", question="Delete it?")}, "needs_input", "awaiting_user_input"),
    ({"turn": turn("waiting", 9999)}, "needs_input", "awaiting_user_input"),
    ({"turn": turn("waiting"), "spawned": False}, "needs_input", "awaiting_user_input"),
    ({"turn": turn("blocked", last_message="No quota")}, "needs_input", "error_in_process"),
    ({"turn": ACTIVE, "paused": Paused(paused=True, by="x")}, "needs_input", "paused"),
    ({"turn": ACTIVE, "paused": Paused(paused=False, by="x")}, "working", "task_in_progress"),
    ({"turn": turn("waiting"), "paused": Paused(paused=True, by="x")}, "needs_input", "awaiting_user_input"),
    ({"turn": ACTIVE, "pull_request": OPEN}, "pr_open", "pr_created"),
    ({"turn": turn("ready", 9999), "pull_request": OPEN}, "pr_open", "pr_created"),
    ({"turn": READY, "pull_request": OPEN, "checks": (RUNNING,)}, "pr_open", "pr_created"),
    ({"turn": READY, "pull_request": OPEN, "checks": (check("failure", "b" * 40),)}, "pr_open", "pr_created"),
    ({"turn": READY, "pull_request": OPEN, "checks": (FAILED, RUNNING)}, "ci_failed", "ci_failing"),
    ({"turn": READY, "pull_request": OPEN, "checks": (FAILED,), "reviews": (OBJECTED,)}, "ci_failed", "ci_failing"),
    ({"turn": READY, "pull_request": OPEN, "checks": (PASSED,)}, "review_pending", "review_pending"),
    ({"turn": READY, "pull_request": OPEN, "reviews": (OBJECTED, PLEASED)}, "changes_requested", "changes_requested"),
    ({"turn": READY, "pull_request": OPEN, "reviews": (review("dismissed"),)}, "pr_open", "pr_created"),
    ({"turn": READY, "pull_request": OPEN, "reviews": (APPROVED,), "checks": (RUNNING,)}, "approved", "approved"),
    ({"turn": READY, "pull_request": pull_request(draft=True), "reviews": (APPROVED,)}, "approved", "approved"),
    ({"turn": READY, "pull_request": pull_request(mergeable=False), "reviews": (APPROVED,)}, "approved", "approved"),
    ({"turn": READY, "pull_request": OPEN, "reviews": (APPROVED,)}, "mergeable", "merge_ready"),
    ({"turn": READY, "pull_request": UNSURE, "reviews": (APPROVED,), "checks": (PASSED,)}, "mergeable", "merge_ready"),
    ({"turn": turn("waiting"), "pull_request": OPEN, "checks": (FAILED,)}, "needs_input", "awaiting_user_input"),
    ({"turn": READY, "pull_request": pull_request(state="closed")}, "idle", "pr_closed_waiting_decision"),
    ({"turn": READY, "pull_request": MERGED}, "merged", "merged"),
    ({"pull_request": MERGED, "process": DIED, "killed": Killed(by="x")}, "merged", "merged"),
    ({"turn": READY, "killed": Killed(by="x")}, "killed", "manually_killed"),
    ({"turn": READY, "killed": Killed(by="x", reason="issue_closed")}, "cleanup", "issue_closed"),
    ({"spawned": False, "killed": Killed(by="x", reason="cancelled")}, "terminated", "cancelled"),
    ({"killed": Killed(by="x"), "process": DIED, "pull_request": OPEN}, "killed", "manually_killed"),
    ({"spawned": False, "spawn_failed": SpawnFailed(step="launch", error="e")}, "errored", "spawn_failed"),
    ({"turn": turn("waiting"), "process": DIED}, "errored", "agent_process_exited"),
    ({"turn": READY, "process": Process(state="exited", exit_code=0)}, "terminated", "agent_process_exited"),
    ({"turn": READY, "process": Process(state="exited", signal=9)}, "errored", "agent_process_exited"),
    ({"turn": READY, "process": Process(state="exited")}, "errored", "agent_process_exited"),
    ({"turn": READY, "process": Process(at=NOW, state="lost"), "pull_request": OPEN}, "killed", "runtime_lost"),
    ({"turn": READY, "process": Process(state="running", pid=1)}, "working", "turn_finished"),
    # How long a start may be silent.
    ({"spawned_at": NOW - 29}, "spawning", "waiting_for_agent"),
    ({"spawned_at": NOW - 30}, "stuck", "no_sign_of_work"),
    ({"spawned_at": NOW - 99, "process": process("running", 29)}, "spawning", "waiting_for_agent"),
    ({"process": process("running", 30)}, "stuck", "no_sign_of_work"),
    ({"process": process("running", 30), "turn": turn("active", 29)}, "working", "task_in_progress"),
    # What was slept counts for nothing.
    ({"process": process("running", 3630), "slept": slept(3600)}, "stuck", "no_sign_of_work"),
    ({"process": process("running", 3629), "slept": slept(3600)}, "spawning", "waiting_for_agent"),
    ({"turn": turn("active", 4200), "slept": slept(3600)}, "stuck", "no_sign_of_work"),
    ({"turn": turn("active", 4199), "slept": slept(3600)}, "working", "task_in_progress"),
    ({"turn": turn("active", 4199), "slept": slept(3600, 4199)}, "stuck", "no_sign_of_work"),
    ({"turn": turn("ready", 3900), "slept": slept(3600)}, "idle", "turn_finished"),
    ({"turn": turn("ready", 3899), "slept": slept(3600)}, "working", "turn_finished"),
    ({"turn": READY, "probe": probe("unknown", since=3899), "slept": slept(3600)}, "detecting", "probe_error"),
    ({"turn": READY, "probe": probe("unknown", since=3900), "slept": slept(3600)}, "stuck", "probe_failure"),
    # Looks at the terminal and the process.
    ({"turn": READY, "probe": probe("alive", "alive", attempts=0)}, "working", "turn_finished"),
    ({"turn": READY, "probe": probe("alive", "unknown", attempts=0)}, "working", "turn_finished"),
    ({"turn": READY, "probe": UNSEEN}, "detecting", "tmux_missing"),
    ({"turn": READY, "probe": probe("missing", "gone")}, "detecting", "tmux_missing"),
    ({"turn": READY, "probe": probe("missing", "alive")}, "detecting", "signals_disagree"),
    ({"turn": READY, "probe": probe("unknown", "alive")}, "detecting", "probe_error"),
    ({"turn": READY, "probe": probe("alive", "gone")}, "detecting", "process_missing"),
    ({"turn": READY, "probe": probe("unknown", attempts=3)}, "detecting", "probe_error"),
    ({"turn": READY, "probe": probe("unknown", attempts=4)}, "stuck", "probe_failure"),
    ({"turn": READY, "probe": probe("unknown", since=299)}, "detecting", "probe_error"),
    ({"turn": READY, "probe": probe("unknown", since=300)}, "stuck", "probe_failure"),
    ({"turn": READY, "probe": UNSEEN, "pull_request": OPEN, "checks": (FAILED,)}, "detecting", "tmux_missing"),
    ({"turn": READY, "probe": UNSEEN, "report": report("working")}, "detecting", "tmux_missing"),
    ({"turn": READY, "probe": UNSEEN, "pull_request": MERGED}, "merged", "merged"),
    ({"turn": READY, "probe": UNSEEN, "killed": killed()}, "killed", "manually_killed"),
    ({"turn": READY, "probe": UNSEEN, "process": DIED}, "errored", "agent_process_exited"),
    ({"turn": turn("waiting"), "probe": UNSEEN}, "needs_input", "awaiting_user_input"),
    ({"turn": turn("blocked"), "probe": probe("unknown", attempts=4)}, "needs_input", "error_in_process"),
    ({"spawned": False, "probe": UNSEEN}, "spawning", "spawn_requested"),
    # A loss, and what undoes it.
    ({"turn": RESTED, "process": LOST}, "killed", "runtime_lost"),
    ({"turn": turn("ready", 5), "process": LOST}, "killed", "runtime_lost"),
    ({"turn": turn("ready", 4), "process": LOST}, "working", "turn_finished"),
    ({"turn": turn("waiting", 4), "process": LOST}, "needs_input", "awaiting_user_input"),
    ({"turn": RESTED, "process": LOST, "report": report("working", 4)}, "working", "task_in_progress"),
    ({"turn": READY, "process": LOST, "probe": probe("alive", "alive", 4, 0)}, "working", "turn_finished"),
    ({"turn": RESTED, "process": LOST, "probe": probe("alive", "alive", 6, 0)}, "killed", "runtime_lost"),
    ({"turn": RESTED, "process": LOST, "probe": probe("missing", "alive", 4)}, "killed", "runtime_lost"),
    ({"turn": READY, "process": LOST, "cleaned": CLEANED}, "killed", "runtime_lost"),
    ({"turn": READY, "process": LOST, "pull_request": MERGED}, "merged", "merged"),
    ({"turn": READY, "process": process("exited", 5, exit_code=1)}, "errored", "agent_process_exited"),
    # What the agent reports.
    ({"turn": turn("ready", 299), "report": report("started")}, "working", "agent_acknowledged"),
    ({"turn": RESTED, "report": report("working")}, "working", "task_in_progress"),
    ({"turn": RESTED, "report": report("waiting")}, "idle", "awaiting_external_review"),
    ({"turn": RESTED, "report": report("needs_input")}, "needs_input", "awaiting_user_input"),
    ({"turn": RESTED, "report": report("fixing_ci")}, "working", "fixing_ci"),
    ({"turn": RESTED, "report": report("addressing_reviews")}, "working", "resolving_review_comments"),
    ({"turn": RESTED, "report": report("pr_created")}, "pr_open", "pr_created"),
    ({"turn": RESTED, "report": report("draft_pr_created")}, "pr_open", "pr_created"),
    ({"turn": RESTED, "report": report("ready_for_review")}, "review_pending", "awaiting_external_review"),
    ({"turn": RESTED, "report": report("of a kind nobody knows")}, "working", "turn_finished"),
    ({"turn": turn("ready", 400), "report": report("needs_input", 299)}, "needs_input", "awaiting_user_input"),
    ({"turn": turn("ready", 400), "report": report("needs_input", 300)}, "idle", "turn_finished"),
    ({"turn": turn("active", 5), "report": report("needs_input", 9)}, "working", "task_in_progress"),
    ({"turn": turn("active", 9), "report": report("fixing_ci", 5)}, "working", "fixing_ci"),
    ({"turn": turn("waiting", 9), "report": report("working")}, "needs_input", "awaiting_user_input"),
    ({"turn": RESTED, "report": report("working"), "pull_request": OPEN}, "pr_open", "pr_created"),
    ({"turn": RESTED, "report": report("needs_input"), "killed": killed()}, "killed", "manually_killed"),
    ({"turn": turn("active", 700), "report": report("working", 500)}, "working", "task_in_progress"),
    ({"turn": turn("active", 900), "report": report("working", 600)}, "stuck", "no_sign_of_work"),
    ({"turn": turn("active", 900), "acknowledged": Acknowledged(at=NOW - 9)}, "working", "task_in_progress"),
    # The agent calls it done.
    ({"turn": RESTED, "report": report("completed")}, "done", "research_complete"),
    ({"turn": turn("active", 9), "report": report("completed")}, "done", "research_complete"),
    ({"turn": turn("ready", 9999), "report": report("completed", 9998)}, "done", "research_complete"),
    ({"turn": RESTED, "report": report("completed"), "pull_request": OPEN}, "pr_open", "pr_created"),
    ({"turn": RESTED, "report": COMPLETED, "pull_request": CLOSED}, "idle", UNDECIDED),
    ({"turn": RESTED, "report": report("completed", -5), "pull_request": CLOSED}, "done", "research_complete"),
    ({"turn": RESTED, "report": report("completed"), "pull_request": MERGED}, "merged", "merged"),
    ({"turn": turn("active", 5), "report": report("completed", 9)}, "working", "task_in_progress"),
    ({"turn": turn("waiting", 5), "report": report("completed", 3)}, "needs_input", "awaiting_user_input"),
    ({"turn": RESTED, "report": COMPLETED, "probe": UNSEEN}, "detecting", "tmux_missing"),
    ({"turn": RESTED, "report": COMPLETED, "process": DIED}, "errored", "agent_process_exited"),
    # Brought back: what ended it before no longer counts, what ends it afterwards does.
    ({"restored": restored(), "killed": killed(), "spawned": False}, "spawning", "spawn_requested"),
    ({"restored": restored(), "killed": killed(9), "turn": turn("waiting", 9)}, "spawning", "waiting_for_agent"),
    ({"restored": BACK, "killed": killed(10), "turn": READY}, "working", "turn_finished"),
    ({"restored": BACK, "killed": killed(8), "turn": READY}, "killed", "manually_killed"),
    ({"restored": BACK, "process": process("exited", 10), "turn": READY}, "working", "turn_finished"),
    ({"restored": BACK, "process": process("exited", 8), "turn": READY}, "errored", "agent_process_exited"),
    ({"restored": BACK, "process": process("lost", 10), "turn": READY}, "working", "turn_finished"),
    ({"restored": BACK, "spawn_failed": NOT_STARTED, "turn": READY}, "working", "turn_finished"),
    ({"restored": restored(), "pull_request": MERGED, "turn": READY}, "working", "turn_finished"),
    ({"restored": restored(), "pull_request": MERGED, "pull_requests": BOTH, "turn": READY}, "pr_open", "pr_created"),
    ({"restored": restored(), "pull_request": CLOSED, "turn": READY}, "working", "turn_finished"),
    ({"restored": restored(), "pull_request": OPEN, "turn": READY}, "pr_open", "pr_created"),
    ({"restored": BACK, "pull_request": MERGED, "turn": READY}, "merged", "merged"),
    ({"restored": BACK, "report": report("completed", 10), "turn": READY}, "working", "turn_finished"),
    ({"restored": BACK, "probe": probe("missing", ago=10), "turn": READY}, "working", "turn_finished"),
    ({"restored": BACK, "probe": probe("missing", ago=8), "turn": READY}, "detecting", "tmux_missing"),
    ({"restored": BACK, "cleaned": CLEARED, "process": process("lost", 8), "turn": READY}, "working", "turn_finished"),
]  # fmt: skip


@pytest.mark.parametrize(("known", "status", "reason"), TABLE)
def test_first_rule_that_matches_decides(known, status, reason):
    judged = judge(facts(**known), NOW, TIMES)
    assert (judged.status, judged.reason) == (status, reason)


def test_every_status_is_in_the_table():
    assert {status for _, status, _ in TABLE} == set(Status)


@pytest.mark.parametrize(
    ("known", "evidence"),
    [
        ({"pull_request": MERGED}, "#2 merged as mmmmmmm"),
        ({"killed": Killed(by="maintainer")}, "by maintainer"),
        ({"spawn_failed": SpawnFailed(step="launch", error="no disk")}, "launch: no disk"),
        ({"process": Process(state="exited", exit_code=3)}, "exit code 3"),
        ({"process": Process(state="exited", signal=15)}, "signal 15"),
        ({"process": Process(state="exited")}, "unknown exit code"),
        ({"turn": turn("waiting", question="Delete it?")}, "Delete it?"),
        ({"turn": turn("blocked", last_message="No quota")}, "No quota"),
        ({"turn": READY, "pull_request": OPEN, "checks": (PASSED,)}, "#2: checks success, review none"),
        ({"turn": turn("ready", 700)}, "quiet since ready"),
        ({"process": process("lost", detail="the machine was restarted")}, "the machine was restarted"),
        ({"process": process("lost")}, "its terminal is gone, no exit code"),
        ({"turn": READY, "probe": probe("missing", attempts=2)}, "seen (look 2 of 3)"),
        ({"turn": READY, "probe": probe("missing", attempts=4)}, "seen"),
        ({"turn": READY, "report": report("completed", note="Nothing to fix.")}, "Nothing to fix."),
        ({"turn": READY, "report": report("completed")}, "reported by the agent"),
        ({"turn": READY, "report": report("needs_input", note="Which one?")}, "reported by the agent: Which one?"),
        ({"turn": READY, "report": report("fixing_ci")}, "reported by the agent: fixing_ci"),
    ],
)
def test_judgement_says_what_it_rests_on(known, evidence):
    assert judge(facts(**known), NOW, TIMES).evidence == evidence


@pytest.mark.parametrize(
    ("known", "recheck"),
    [
        ({"turn": turn("active", 10)}, NOW - 10 + 600),
        ({"turn": turn("ready", 10)}, NOW - 10 + 300),
        ({"turn": turn("ready", 400)}, NOW - 400 + 600),
        ({"turn": turn("ready", 700)}, None),
        ({"turn": READY, "pull_request": OPEN}, None),
        ({}, None),
        ({"spawned_at": NOW - 10}, NOW - 10 + 30),
        ({"turn": READY, "probe": probe("unknown", since=10)}, NOW - 10 + 300),
        ({"turn": READY, "probe": probe("unknown", attempts=4)}, None),
        ({"turn": turn("ready", 301), "report": report("fixing_ci", 100)}, NOW - 100 + 300),
        ({"turn": turn("ready", 99), "report": report("completed", 98)}, None),
    ],
)
def test_judgement_names_the_moment_when_time_alone_could_change_it(known, recheck):
    judged = judge(facts(**known), NOW, TIMES)
    assert judged.recheck_at == recheck
    if recheck is not None:
        assert judge(facts(**known), recheck - 0.001, TIMES).reason == judged.reason
        assert judge(facts(**known), recheck, TIMES).status != judged.status


@pytest.mark.parametrize(
    ("conclusions", "status"),
    [
        ([], "none"), (["success"], "success"), (["neutral", "skipped"], "success"), (["success", ""], "pending"),
        (["", "timed_out"], "failure"), (["cancelled"], "success"), (["action_required"], "failure"),
        (["startup_failure"], "failure"),
    ],
)  # fmt: skip
def test_checks_of_the_newest_commit_count(conclusions, status):
    checks = tuple(check(conclusion, name=str(n)) for n, conclusion in enumerate(conclusions))
    old = check("failure", "b" * 40)
    assert ci_status(facts(pull_request=OPEN, checks=(*checks, old))) == status


def test_without_a_pull_request_there_are_no_checks():
    assert ci_status(facts(checks=(FAILED,))) == "none"


@pytest.mark.parametrize(
    ("known", "doing"),
    [
        ({}, None),
        ({"process": DIED, "turn": ACTIVE}, "exited"),
        ({"process": Process(state="running"), "turn": READY, "cleaned": CLEANED}, "exited"),
        ({"cleaned": CLEANED}, None),
        ({"turn": ACTIVE}, "active"),
        ({"turn": READY}, "ready"),
        ({"turn": turn("ready", 300)}, "idle"),
        ({"turn": turn("ready", 3899), "slept": slept(3600)}, "ready"),
        ({"turn": turn("active", 999)}, "active"),
        ({"turn": turn("waiting", 999)}, "waiting_input"),
        ({"turn": turn("blocked")}, "blocked"),
    ],
)
def test_activity_is_what_the_process_does(known, doing):
    assert activity(facts(**known), NOW, TIMES) == doing


times = st.floats(NOW - 2000, NOW + 5)
shas = st.sampled_from([SHA, "b" * 40])
maybe = st.none
processes = st.builds(
    Process, at=times, state=st.sampled_from(["running", "exited", "lost"]), exit_code=st.sampled_from([None, 0, 1]),
    signal=st.sampled_from([None, 9]),
)  # fmt: skip
turns = st.builds(Turn, at=times, state=st.sampled_from(["active", "ready", "waiting", "blocked"]))
pulls = st.builds(
    PullRequest, at=times, number=st.integers(1, 3), url=st.just("u"), title=st.just("t"), draft=st.booleans(),
    state=st.sampled_from(["open", "closed", "merged"]), head_ref=st.just("b"), head_sha=shas,
    base_ref=st.just("main"), mergeable=st.sampled_from([None, True, False]),
)  # fmt: skip
checks = st.builds(check, st.sampled_from(["", "success", "failure", "neutral"]), shas)
reviews = st.builds(review, st.sampled_from(["approved", "changes_requested", "dismissed"]), st.sampled_from("ab"))
kills = st.builds(Killed, by=st.just("x"), reason=st.sampled_from(["manually_killed", "issue_closed", "superseded"]))
probes = st.builds(
    Probe, at=times, terminal=st.sampled_from(["alive", "missing", "unknown"]), since=times,
    process=st.sampled_from(["alive", "gone", "unknown"]), attempts=st.integers(0, 4),
)  # fmt: skip
reports = st.builds(
    Report, at=times, state=st.sampled_from(["started", "working", "needs_input", "completed", "ready_for_review"])
)
everything = st.builds(
    Facts, created_at=st.just(NOW), spawned=st.booleans(), process=maybe() | processes, turn=maybe() | turns,
    pull_request=maybe() | pulls, checks=st.lists(checks, max_size=3).map(tuple),
    reviews=st.lists(reviews, max_size=2).map(tuple), killed=maybe() | kills,
    paused=maybe() | st.builds(Paused, paused=st.booleans(), by=st.just("x")),
    spawn_failed=maybe() | st.builds(SpawnFailed, step=st.just("s"), error=st.just("e")),
    probe=maybe() | probes, report=maybe() | reports,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(everything, times)
def test_order_of_precedence_holds_whatever_is_known(known, now):
    judged = judge(known, now, TIMES)
    merged = known.pull_request is not None and known.pull_request.state == "merged"
    exited = known.process is not None and known.process.state == "exited"
    over = bool(known.killed or known.spawn_failed or exited or is_lost(known))
    assert (judged.status is Status.MERGED) is merged
    assert (judged.status in ENDED) is (merged or over)
    if known.killed and not merged:
        assert judged.reason == known.killed.reason
    pending = bool(known.turn and known.turn.state in ("waiting", "blocked"))
    paused = bool(known.paused and known.paused.paused)
    if (pending or paused) and not merged and not over:
        assert judged.status is Status.NEEDS_INPUT
    assert judged.recheck_at is None or judged.recheck_at > now
    assert review_decision(known) in ("approved", "changes_requested", "none")


def is_lost(known):
    """Tell whether nothing newer than a loss speaks for the session's life."""
    process, turn, said, seen = known.process, known.turn, known.report, known.probe
    if process is None or process.state != "lost":
        return False
    signs = [fact.at for fact in (turn, said) if fact]
    signs += [seen.at] if seen and (seen.terminal, seen.process != "gone") == ("alive", True) else []
    return all(at <= process.at for at in signs)


@settings(max_examples=200, deadline=None)
@given(everything, probes)
def test_looks_end_no_session(known, seen):
    """Whatever is seen of terminals and processes: a death is a fact of its own."""
    without = judge(msgspec.structs.replace(known, probe=None), NOW, TIMES)
    if without.status not in ENDED:
        assert judge(msgspec.structs.replace(known, probe=seen), NOW, TIMES).status not in ENDED


@settings(max_examples=200, deadline=None)
@given(everything)
def test_what_was_known_before_a_restore_counts_no_more(known):
    after = msgspec.structs.replace(known, restored=Restored(at=NOW + 10, by="x"), paused=None)
    judged = judge(after, NOW + 10, TIMES)
    assert judged.status not in ENDED | {Status.DONE, Status.DETECTING, Status.NEEDS_INPUT}
    assert current(current(after)) == current(after)


@settings(max_examples=100, deadline=None)
@given(everything, st.floats(0, 5000))
def test_what_is_over_stays_over_however_much_time_passes(known, later):
    judged = judge(known, NOW, TIMES)
    if judged.status in ENDED:
        assert judge(known, NOW + later, TIMES) == judged
