"""The judgement: a table of statuses, and what holds whatever is known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.facts import Check, Facts, Killed, Paused, Process, PullRequest, Review, SpawnFailed, Turn
from runtime.project import Times
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
    ({"turn": READY, "process": Process(state="lost"), "pull_request": OPEN}, "killed", "runtime_lost"),
    ({"turn": READY, "process": Process(state="running", pid=1)}, "working", "turn_finished"),
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
        ({"turn": ACTIVE}, "active"),
        ({"turn": READY}, "ready"),
        ({"turn": turn("ready", 300)}, "idle"),
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
everything = st.builds(
    Facts, created_at=st.just(NOW), spawned=st.booleans(), process=maybe() | processes, turn=maybe() | turns,
    pull_request=maybe() | pulls, checks=st.lists(checks, max_size=3).map(tuple),
    reviews=st.lists(reviews, max_size=2).map(tuple), killed=maybe() | kills,
    paused=maybe() | st.builds(Paused, paused=st.booleans(), by=st.just("x")),
    spawn_failed=maybe() | st.builds(SpawnFailed, step=st.just("s"), error=st.just("e")),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(everything, times)
def test_order_of_precedence_holds_whatever_is_known(known, now):
    judged = judge(known, now, TIMES)
    merged = known.pull_request is not None and known.pull_request.state == "merged"
    dead = known.process is not None and known.process.state != "running"
    over = bool(known.killed or known.spawn_failed or dead)
    assert (judged.status is Status.MERGED) is merged
    assert (judged.status in ENDED) is (merged or over)
    if known.killed and not merged:
        assert judged.reason == known.killed.reason
    pending = bool(known.turn and known.turn.state in ("waiting", "blocked"))
    paused = bool(known.paused and known.paused.paused)
    assert (judged.status is Status.NEEDS_INPUT) is ((pending or paused) and not merged and not over)
    assert judged.recheck_at is None or judged.recheck_at > now
    assert review_decision(known) in ("approved", "changes_requested", "none")


@settings(max_examples=100, deadline=None)
@given(everything, st.floats(0, 5000))
def test_what_is_over_stays_over_however_much_time_passes(known, later):
    judged = judge(known, NOW, TIMES)
    if judged.status in ENDED:
        assert judge(known, NOW + later, TIMES) == judged
