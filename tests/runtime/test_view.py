"""How a session looks to scripts."""

import json

import msgspec
import pytest

from runtime.facts import Check, Cleaned, Facts, Killed, Process, PullRequest, Review, Turn
from runtime.said import AgentInfo, Noted, Restored
from runtime.sessions import Session
from runtime.view import view

FIRST = ["name", "branch", "status", "prNumber", "ciStatus", "reviewDecision"]
FIRST += ["pendingThreads", "activity", "lastActivity"]

YES = Review(reviewer="a", state="approved")
NO = Review(reviewer="b", state="changes_requested")


def session(**changed: object) -> Session:
    known = Session(
        id="app-1",
        project="my-app",
        number=1,
        repo="o/my-app",
        session_key="o/my-app#1",
        issue=4,
        title="Add it",
        task="",
        agent="scripted",
        branch="ao/app-1",
        base="main",
        asked_by="ann",
        created_at=1000.0,
        live=True,
        ended_at=None,
        announced_status="working",
        announced_reason="",
        announced_at=1000.0,
        recheck_at=None,
        push_offset=0,
    )
    return msgspec.structs.replace(known, **changed)


def pull(**changed: object) -> PullRequest:
    known = PullRequest(
        number=7,
        url="https://x.test/7",
        title="t",
        state="open",
        draft=False,
        head_ref="ao/app-1",
        head_sha="abc",
        base_ref="main",
    )
    return msgspec.structs.replace(known, **changed)


def seen(facts: Facts, **changed: object) -> dict[str, object]:
    shown = view(
        session(**changed),
        facts,
        status="working",
        reason="task_in_progress",
        activity="active",
        attach_command="tmux attach",
        terminal={"pane": "%1"},
    )
    return json.loads(msgspec.json.encode(shown))


def test_the_references_keys_come_first_and_in_its_order():
    shown = seen(Facts(created_at=1000.0))
    assert list(shown)[: len(FIRST)] == FIRST
    assert (shown["prNumber"], shown["ciStatus"], shown["pendingThreads"], shown["issueId"]) == (
        None,
        "none",
        None,
        "4",
    )
    assert shown["createdAt"] == "1970-01-01T00:16:40Z"


VOCABULARY = {
    "id": "id", "project": "projectId", "status": "status", "activity": "activity", "branch": "branch",
    "issue": "issueId", "pull request": "pr", "pull requests": "prs", "workspace": "workspacePath",
    "runtime handle": "runtimeHandle", "agent": "agent", "agent information": "agentInfo", "created": "createdAt",
    "last activity": "lastActivityAt", "restored": "restoredAt", "free metadata": "metadata", "role": "role",
    "parent": "parent", "display name": "displayName", "summary": "summary", "ended": "endedAt", "title": "title",
    "why it was started fresh": "restoreFallbackReason", "reason of the status": "reason",
}  # fmt: skip


def test_every_property_of_a_session_is_in_its_record():
    facts = Facts(
        created_at=1000.0,
        pull_request=pull(),
        pull_requests=(pull(), pull(number=5)),
        restored=Restored(at=2000.0, by="ann", why_fresh="its agent cannot resume"),
        agent_info=AgentInfo(native_id="own", cost_usd=0.25),
        noted=(Noted(key="team", value="infra"), Noted(key="gone", value=""), Noted(key="summary", value="Pinned")),
        turn=Turn(state="ready", last_message="Said."),
    )
    shown = seen(facts, parent="app-9")
    assert set(VOCABULARY.values()) <= set(shown)
    assert shown["agentInfo"] == {"summary": "Pinned", "costUsd": 0.25, "agentSessionId": "own"}
    assert shown["runtimeHandle"] == {"id": "app-1", "runtimeName": "tmux", "pane": "%1"}
    assert (shown["restoredAt"], shown["restoreFallbackReason"]) == ("1970-01-01T00:33:20Z", "its agent cannot resume")
    assert [one["number"] for one in shown["prs"]] == [7, 5]
    assert (shown["pr"], shown["metadata"], shown["parent"]) == ("https://x.test/7", {"team": "infra"}, "app-9")


def test_what_is_not_known_of_an_agent_is_null():
    assert seen(Facts(created_at=0.0))["agentInfo"] == {
        "summary": "Add it", "costUsd": None, "agentSessionId": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pull_request", "reviews", "decision"),
    [
        (None, (), "none"),
        (pull(), (), "pending"),
        (pull(draft=True), (), "none"),
        (pull(state="merged"), (), "none"),
        (pull(), (Review(reviewer="a", state="approved"),), "approved"),
        (
            pull(),
            (Review(reviewer="a", state="approved"), Review(reviewer="b", state="changes_requested")),
            "changes_requested",
        ),
    ],
)
def test_review_decision_is_pending_only_while_somebody_is_awaited(pull_request, reviews, decision):
    assert seen(Facts(created_at=0.0, pull_request=pull_request, reviews=reviews))["reviewDecision"] == decision


def test_checks_of_the_newest_commit_count():
    checks = (Check(name="old", head_sha="000", conclusion="failure"), Check(name="new", head_sha="abc"))
    assert seen(Facts(created_at=0.0, pull_request=pull(), checks=checks))["ciStatus"] == "pending"


def test_last_activity_is_the_newest_sign_of_the_agent():
    facts = Facts(created_at=0.0, process=Process(at=1060.0, state="running"), turn=Turn(at=1030.0, state="ready"))
    assert seen(facts)["lastActivity"] == "1970-01-01T00:17:40Z"


def test_summary_is_the_question_else_the_last_message_else_the_title():
    assert seen(Facts(created_at=0.0))["summary"] == "Add it"
    said = Turn(state="ready", last_message="done\n  and  dusted")
    assert seen(Facts(created_at=0.0, turn=said))["summary"] == "done and dusted"
    asked = Turn(state="waiting", question="May I?", last_message="x")
    assert seen(Facts(created_at=0.0, turn=asked))["summary"] == "May I?"


def test_an_ended_session_cannot_be_attached_to():
    assert seen(Facts(created_at=0.0))["attachCommand"] == "tmux attach"
    assert seen(Facts(created_at=0.0), live=False, ended_at=2000.0)["attachCommand"] is None


@pytest.mark.parametrize(
    ("more", "command"),
    [({}, "tmux attach"), ({"cleaned": Cleaned()}, None), ({"killed": Killed(by="someone")}, None)],
)
def test_terminal_of_an_agent_that_died_can_be_looked_at_until_it_is_cleaned_up(more, command):
    facts = Facts(created_at=0.0, process=Process(state="exited", exit_code=1), **more)
    assert seen(facts, live=False, ended_at=2000.0)["attachCommand"] == command
