"""`ao orchestrator`, typed by a person."""

import json

import pytest

from bot.api.port import ProjectStatus
from tests.bot.fake_service import LONG_AGO, session


@pytest.fixture
def alone(service):
    """A service with one project and no session."""
    service.rows = []
    service.configured = [ProjectStatus(id="my-app", repo="o/my-app")]
    return service


def test_orchestrator_is_started_once(ao, alone):
    first = ao("orchestrator", "start")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [
        "Orchestrator app-orchestrator started.",
        "  Talk to it: ao send app-orchestrator TEXT",
        "  Watch it:   ao session attach app-orchestrator",
    ]
    assert ao("orchestrator", "start", "--fresh").stdout.startswith("Orchestrator app-orchestrator is running already.")
    assert alone.asked == [("start", "my-app", False), ("start", "my-app", True)]


def test_orchestrator_is_shown_and_relaunched(ao, alone):
    missing = ao("orchestrator", "status")
    assert missing.returncode == 1
    assert "Start it with: ao orchestrator start -p my-app" in missing.stderr
    ao("orchestrator", "start", "-p", "my-app")
    assert ao("orchestrator", "status").stdout == "app-orchestrator  [working]  active\n  Add a greeting\n"
    assert json.loads(ao("orchestrator", "status", "--json").stdout)["name"] == "app-orchestrator"
    assert ao("orchestrator", "relaunch").stdout.startswith("Orchestrator app-orchestrator started anew.")


def test_ended_orchestrator_is_told_how_to_come_back(ao, alone):
    ao("orchestrator", "start")
    alone.rows = [session("app-orchestrator", ended_at=LONG_AGO, summary="")]
    assert (
        ao("orchestrator", "status").stdout.splitlines()[-1]
        == "  It has ended. Bring it back with: ao orchestrator start"
    )


def test_orchestrators_are_listed_only_on_request(ao, alone):
    alone.rows = [session("app-1"), session("app-orchestrator", role="orchestrator")]
    assert "app-orchestrator" not in ao("session", "ls").stdout
    assert "app-orchestrator" in ao("session", "ls", "-a").stdout
    assert [one["name"] for one in json.loads(ao("session", "ls", "--json").stdout)] == ["app-1"]
