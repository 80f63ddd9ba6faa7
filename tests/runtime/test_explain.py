"""Why a session is what it is, in sentences."""

import msgspec
import pytest

from runtime.explain.chain import Cause, chain
from runtime.explain.spans import ago, ahead, span
from runtime.explain.standing import MEANS, standing, waits
from runtime.facts import KINDS as FACTS
from runtime.facts import (
    Check,
    ChecksDone,
    Cleaned,
    IssueClosed,
    Killed,
    Paused,
    Process,
    PullRequest,
    Pushed,
    Review,
    SpawnFailed,
    Turn,
    assemble,
)
from runtime.inbox import Message
from runtime.look import Look
from runtime.probe import Probe, Slept
from runtime.project import Times
from runtime.said import Acknowledged, AgentInfo, Claimed, Decision, Interrupt, Noted, Report, ReportOverdue, Restored
from runtime.sessions import Session
from runtime.status import Status, judge
from runtime.store.facts import Known
from runtime.store.outbox import Outgoing
from runtime.store.records import Record
from runtime.trail import KINDS
from runtime.words import words

NOW = 10_000.0
READY = Turn(at=NOW - 60, state="ready")
RUNS = Process(at=NOW - 500, state="running", pid=7)
PULL = PullRequest(
    at=NOW - 90, number=3, url="u", title="t", state="open", draft=False, head_ref="ao/app-1", head_sha="abcdef1234",
    base_ref="main",
)  # fmt: skip


def message(**changed):
    known = {
        "id": 7, "session_id": "app-1", "kind": "comment", "source_key": "k", "author": "octo", "parts": {},
        "state": "queued", "evidence": "", "text": None, "created_at": NOW - 30, "not_before": 0.0,
        "changed_at": NOW - 30, "attempts": 0,
    }  # fmt: skip
    return Message(**{**known, **changed})


def looked(*known, spawned=True, waiting=(), live=None):
    facts = assemble(NOW - 600, NOW - 550 if spawned else None, list(known))
    judged = judge(facts, NOW, Times())
    ended = judged.status in ("merged", "errored", "killed", "cleanup", "terminated")
    session = Session(
        id="app-1", project="app", number=1, repo="octo/app", session_key="octo/app#1", issue=1, title="A greeting",
        task="t", agent="scripted", branch="ao/app-1", base="main", asked_by="octo", created_at=NOW - 600,
        live=not ended if live is None else live, ended_at=None, announced_status=judged.status,
        announced_reason=judged.reason, announced_at=NOW - 60, recheck_at=judged.recheck_at, push_offset=0,
    )  # fmt: skip
    return Look(session=session, facts=facts, steps={"workspace": {}} if not spawned else {}, waiting=tuple(waiting))


def stands(*known, **more):
    sources = {"turn": "push", "process": "push", "killed": "person", "probe": "tmux", "report": "push"}
    told = [Known(fact=fact, source=sources.get(fact.kind, "github")) for fact in known]
    return standing(looked(*known, **more), told, NOW)


def waiting(*known, place=0, unsent=(), **more):
    seen = looked(*known, **more)
    seen = msgspec.structs.replace(seen, session=msgspec.structs.replace(seen.session, queue_position=place))
    return waits(seen, NOW, times=Times(), running=10, allowed=10, unsent=unsent)


def test_the_task_comes_first():
    assert stands(RUNS, Turn(at=NOW - 60, state="active"))[0] == (
        'app-1 is for issue #1 of octo/app, "A greeting", with the agent scripted. octo asked for it 10 min ago. '
        "Its branch is ao/app-1."
    )


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (
            [RUNS, Turn(at=NOW - 60, state="active")],
            [
                "It has been working for 60 s: its agent is at work (task in progress).",
                "The agent is at work on a turn (the agent's own word, 60 s ago).",
            ],
        ),
        (
            [RUNS, Turn(at=NOW - 60, state="waiting", question="May I delete the table?")],
            [
                "It has been needs_input for 60 s: its agent waits for a person (awaiting user input).",
                'The agent waits for a decision: "May I delete the table?" (the agent\'s own word, 60 s ago).',
            ],
        ),
        (
            [
                RUNS, Turn(at=NOW - 60, state="ready", number=1), PULL,
                Check(at=NOW - 50, name="test", head_sha="abcdef1234", conclusion="failure"),
                Check(at=NOW - 400, name="test", head_sha="0000000", conclusion="success"),
            ],
            [
                "It has been ci_failed for 60 s: a check of its pull request has failed (ci failing).",
                "Pull request #3 is open, at abcdef1 (GitHub's word, 90 s ago).",
                "Check test of abcdef1: failure (GitHub's word, 50 s ago).",
            ],
        ),
        (
            [Killed(at=NOW - 60, by="octo")],
            [
                "It has been killed for 60 s: it was stopped (manually killed).",
                "octo ended it (manually killed) (a person's word, 60 s ago).",
                "Its worktree is still there.",
            ],
        ),
        (
            [SpawnFailed(at=NOW - 60, step="workspace", error="no space left", left_behind=("gate (busy)",))],
            [
                "It has been errored for 60 s: it has failed (spawn failed).",
                "Its start failed at workspace: no space left; left behind: gate (busy) (GitHub's word, 60 s ago).",
                "Its worktree is still there.",
            ],
        ),
    ],
)  # fmt: skip
def test_the_facts_that_decided_are_named(known, says):
    assert stands(*known)[1:] == says


def test_every_status_means_something():
    assert set(MEANS) == set(Status)


def test_time_that_will_change_the_status_is_foretold():
    assert waiting(RUNS, Turn(at=NOW - 60, state="active")) == [
        "If nothing happens, it is looked at again in 9 min and becomes stuck (no sign of work)."
    ]


def test_an_open_question_names_the_commands_that_answer_it():
    asks = Turn(at=NOW - 60, state="waiting", question="May I delete the table?")
    assert waiting(RUNS, asks)[-1] == (
        "Answer with: ao approve app-1, ao deny app-1 WHY, or in its terminal: ao session attach app-1"
    )
    wants = Report(at=NOW - 60, state="needs_input", note="Which table?")
    assert waiting(RUNS, Turn(at=NOW - 90, state="ready", number=1), wants)[-1].startswith(
        "Answer with: ao send app-1 "
    )


def test_a_queue_says_its_place_and_what_makes_it_shorter():
    assert waiting(spawned=False, place=2) == [
        "It is number 2 in the queue: 10 of 10 slots are taken. Raise limits.sessions, or end one."
    ]
    assert waiting(spawned=False) == ["Its start is under way; done so far: workspace."]


def test_a_task_is_not_typed_before_there_is_an_agent():
    told = waiting(spawned=False, waiting=[message(kind="task", state="pasted")])
    assert told[-1] == "Message 7 (task from octo, 30 s ago) is what its agent starts with."


@pytest.mark.parametrize(
    ("known", "changed", "says"),
    [
        ([Turn(at=NOW - 60, state="active")], {}, "waits: the agent is busy with a turn."),
        ([Turn(at=NOW - 60, state="ready")], {"not_before": NOW + 40}, "waits: more may come; it goes in 40 s."),
        ([READY], {"attempts": 2, "evidence": "a draft"}, "waits, after 2 attempts: a draft."),
        ([READY], {"expires_at": NOW + 7200}, "waits: its turn comes next. It expires in 2 h."),
        (
            [Turn(at=NOW - 60, state="ready")],
            {"state": "pasted", "evidence": "being typed"},
            "is typed and waits for the agent to say that it took it in: being typed.",
        ),
        ([Paused(at=NOW - 9, paused=True, by="octo")], {}, "waits: the session is paused."),
    ],
)  # fmt: skip
def test_a_message_that_waits_says_why(known, changed, says):
    told = waiting(RUNS, *known, waiting=[message(**changed)])
    assert f"Message 7 (comment from octo, 30 s ago) {says}" in told


def test_what_github_has_not_taken_is_named_with_its_reason():
    row = Outgoing(
        id=1, key="k", kind="reply", repo="octo/app", session_id="app-1", payload={"pull": 3}, revision=1,
        sent_revision=0, state="queued", attempts=2, not_before=NOW + 60, remote_id=None, result=None, error="502",
        created_at=NOW, changed_at=NOW,
    )  # fmt: skip
    assert waiting(RUNS, Turn(at=NOW, state="active"), unsent=[row])[-1] == (
        "GitHub does not have the reply on #3 yet: 502, tried again in 60 s."
    )


def test_start_that_failed_has_left_nothing_and_says_how_to_go_on():
    failed = SpawnFailed(at=NOW, step="workspace", error="no")
    assert stands(failed, Cleaned(at=NOW))[-1] == "It has done nothing yet."
    assert waiting(failed) == ["Mend what its start failed at, then bring it back with: ao session restore app-1"]
    again = (Restored(at=NOW - 5, by="x"), failed, Cleaned(at=NOW))
    assert stands(*again)[-1] == "Everything it did is on GitHub."


def test_an_end_says_what_is_left_and_how_to_go_on():
    killed = Killed(at=NOW, by="octo")
    kept = Cleaned(at=NOW, preserved="refs/ao/preserved/app-1/1", repository="/repos/app.git")
    assert waiting(killed) == ["Bring it back with: ao session restore app-1"]
    assert stands(killed)[-1] == "Its worktree is still there."
    said = "Work that was not pushed is kept as refs/ao/preserved/app-1/1 in /repos/app.git."
    assert stands(killed, kept)[-1] == said
    merged = msgspec.structs.replace(PULL, state="merged")
    assert stands(merged, Cleaned(at=NOW))[-1] == "Everything it did is on GitHub."
    assert waiting(merged, Cleaned(at=NOW)) == []
    unread = Cleaned(at=NOW, preserved="refs/ao/preserved/app-1/1", left="/w/app-1 leads to /x")
    assert stands(merged, unread)[-2:] == [
        "Work that was not pushed is kept as refs/ao/preserved/app-1/1.",
        "Its worktree was not where it belongs and may hold more: /w/app-1 leads to /x.",
    ]
    assert stands(merged, msgspec.structs.replace(unread, preserved=""))[-1] == stands(merged, unread)[-1]


def a_record(id, kind, summary, *, at=NOW, delivery_id=None, source="service", level=None, session_id="app-1", **data):
    return Record(
        id=id, at=at, kind=kind, session_id=session_id, delivery_id=delivery_id, summary=summary, data=data,
        level=level or KINDS[kind].level, source=source,
    )  # fmt: skip


def test_a_message_is_told_from_its_delivery_to_the_reply_where_it_began():
    told = {"message": 7, "session_id": "app-1"}
    steps = chain(
        [
            a_record(1, "trust", "octo may write to octo/app", delivery_id=5, source="github"),
            a_record(2, "outbox_queued", "reaction eyes asked for", delivery_id=5, key="o:reaction", session_id=None),
            a_record(3, "message", "app-1: comment from octo queued", delivery_id=5, **told, state="queued"),
            a_record(4, "message", "…", at=NOW + 1, **told, state="pasted"),
            a_record(5, "message", "…", at=NOW + 2, level="warning", **told, attempts=1, evidence="swallowed"),
            a_record(6, "fact", "app-1: the agent is at work on a turn", at=NOW + 3, source="push"),
            a_record(7, "message", "…", at=NOW + 3, source="push", **told, state="accepted"),
            a_record(8, "transition", "app-1: working → working (x)", at=NOW + 3, before="working", after="working"),
            a_record(9, "message", "…", at=NOW + 60, source="push", **told, state="answered"),
            a_record(
                10, "outbox_queued", "comment on #1 asked for", at=NOW + 60, source="push", key="octo/app:answer:7"
            ),
            a_record(11, "outbox_deferred", "comment on #1 not sent yet: 502", at=NOW + 61, key="octo/app:answer:7"),
            a_record(12, "outbox_sent", "comment on #1 sent", at=NOW + 65, key="octo/app:answer:7"),
        ],
        {5: Cause(guid="g-5", event="issue_comment.created")},
    )
    assert [(step.cause, step.effects, step.delivery, step.level) for step in steps] == [
        (
            "GitHub sent issue_comment.created",
            [
                "octo may write to octo/app",
                "reaction eyes asked for",
                "message 7: comment from octo queued → typed after 1 s, not taken in after 2 s (swallowed), "
                "accepted after 3 s, answered after 60 s; "
                "comment on #1 → not taken yet after 1 s (502), sent after 5 s",
            ],
            "g-5",
            "info",
        ),
        ("The agent", ["the agent is at work on a turn"], None, "info"),
    ]


def test_a_cause_that_is_forgotten_or_nobody_in_particular_is_still_told():
    steps = chain(
        [
            a_record(1, "claimed", "app-1 claimed for octo/app#1 by octo", delivery_id=9),
            a_record(2, "transition", "app-1: a → stuck (x)", at=NOW + 1, source="time", level="warning", before="a"),
            a_record(3, "step", "app-1: launch done", at=NOW + 2),
            a_record(5, "skip", "issues.x: not a label of ours", at=NOW + 2.5, reason="not a label of ours"),
            a_record(6, "skip", "x: eve has no write permission", at=NOW + 2.6, reason="eve has no write permission"),
            a_record(4, "message", "app-1: comment from octo accepted: …", at=NOW + 3, message=1, state="accepted"),
        ],
        {},
    )
    assert [(step.cause, step.effects, step.level) for step in steps] == [
        ("GitHub sent something that is forgotten since (number 9)", ["claimed for octo/app#1 by octo"], "info"),
        ("Time passed", ["a → stuck (x)"], "warning"),
        ("The service", ["launch done"], "info"),
        ("The service", ["x: eve has no write permission"], "info"),
        ("The service", ["message 1: comment from octo accepted: …"], "info"),
    ]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0, "0 s"), (0.42, "0.4 s"), (9.01, "9 s"), (119, "119 s"), (120, "2 min"), (7300, "2 h"), (200_000, "2 days")],
)
def test_spans_are_told_in_one_unit(seconds, says):
    assert span(seconds) == says


def test_times_before_and_after_now():
    assert (ago(NOW - 0.5, NOW), ago(NOW - 5, NOW)) == ("just now", "5 s ago")
    assert (ahead(NOW - 1, NOW), ahead(NOW + 5, NOW)) == ("now", "in 5 s")


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        (Process(state="exited", exit_code=1), "its agent ended with exit code 1"),
        (Process(state="exited"), "its agent ended with an unknown exit code"),
        (Process(state="exited", signal=9), "its agent was ended by signal 9"),
        (Process(state="lost"), "its agent is lost, without an exit code: its terminal is gone"),
        (Turn(state="blocked", last_message="a\nb"), 'the agent\'s turn ended in an error: "a b"'),
        (Report(state="working", note="x" * 200), f'the agent reports working: "{"x" * 159}…"'),
        (
            Probe(terminal="missing", process="gone", attempts=2, detail="no pane"),
            "2 looks found its terminal missing and its process gone",
        ),
        (
            Probe(terminal="unknown", process="alive", attempts=1),
            "a look had no answer from tmux and found its process alive",
        ),
    ],
)
def test_facts_are_told_in_plain_words(fact, says):
    assert words(fact) == says


SAMPLES = {
    "process": Process(state="running", pid=7),
    "turn": Turn(state="active"),
    "pull_request": msgspec.structs.replace(PULL, draft=True),
    "check": Check(name="test", head_sha="a" * 40),
    "checks_done": ChecksDone(head_sha="a" * 40, app="ci", conclusion="success"),
    "review": Review(reviewer="octo", state="dismissed"),
    "issue_closed": IssueClosed(by="octo", why="not_planned"),
    "paused": Paused(paused=False, by="octo"),
    "killed": Killed(by="octo", reason="issue_closed"),
    "spawn_failed": SpawnFailed(step="launch", error="no"),
    "pushed": Pushed(sha="a" * 40),
    "cleaned": Cleaned(preserved="refs/ao/preserved/app-1/1"),
    "probe": Probe(terminal="unknown"),
    "slept": Slept(naps=((NOW, 3600.0),)),
    "restored": Restored(by="octo", why_fresh="its records are gone"),
    "report": Report(state="working"),
    "acknowledged": Acknowledged(),
    "agent_info": AgentInfo(),
    "noted": Noted(key="summary", value=""),
    "claimed": Claimed(number=3),
    "report_overdue": ReportOverdue(trigger="stale_report"),
    "interrupt": Interrupt(by="octo", state="pressed"),
    "decision": Decision(by="octo", question_id="1", question="Delete?", allow=False, state="failed", evidence="gone"),
}


def test_no_fact_is_left_without_words():
    told = {kind: words(fact) for kind, fact in SAMPLES.items()}
    assert set(SAMPLES) == set(FACTS), "say in runtime/words.py what the new fact says"
    assert [kind for kind, fact in SAMPLES.items() if told[kind] == f"{kind} {fact.subject()}".rstrip()] == []
    assert (told["restored"], told["claimed"]) == (
        "octo brought it back, started afresh, because its records are gone", "a person gave it pull request #3",
    )  # fmt: skip
    assert told["interrupt"] == "octo interrupts the agent: the key is pressed"
    assert told["decision"] == 'octo answers "Delete?" with no, in vain: gone'
    assert told["issue_closed"] == "octo closed its issue as not planned"
