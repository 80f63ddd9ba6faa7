"""`ao` as an agent has it, run as its own process against the service's end of the gate."""

import json
import sys

import pytest

from runtime.gate_server import Answer, AoRequest, GateServer
from runtime.shim.install import install_shims
from tests.runtime.git.conftest import Agent


@pytest.fixture
def agent(place) -> Agent:
    agent = Agent("n-1", place / "tree", place / "launch", {})
    agent.worktree.mkdir()
    install_shims(agent.launch / "bin", sys.executable, wait=0.3)
    (agent.launch / "pushes.jsonl").touch()
    return agent


@pytest.fixture
async def asked(agent):
    asked: list[AoRequest] = []

    async def handle(request):
        asked.append(request)
        if request.options.get("state") == "done":
            return Answer.refused("Report rejected: no")
        return Answer.done(f"✓ n-1 {request.command}")

    server = GateServer(agent.launch, handle)
    await server.start()
    yield asked
    await server.close()


def pushed(agent):
    return [json.loads(line) for line in (agent.launch / "pushes.jsonl").read_text().splitlines()]


async def test_report_is_pushed_and_answered(agent, asked):
    code, out, err = await agent.try_to("ao", "report", "fixing-ci", "--note", "flaky\ntest")
    assert (code, out, err) == (0, "✓ n-1 report\n", "")
    (push,) = pushed(agent)
    assert (push["kind"], push["state"], push["note"]) == ("report", "fixing-ci", "flaky\ntest")
    assert (asked[0].id, asked[0].options) == (push["id"], {"state": "fixing-ci", "note": "flaky\ntest"})


async def test_rejection_is_an_error(agent, asked):
    assert await agent.try_to("ao", "report", "done") == (1, "", "Report rejected: no\n")


async def test_acknowledgement_is_kept_while_the_service_is_away(agent):
    code, out, _ = await agent.try_to("ao", "acknowledge")
    assert (code, out) == (0, "ao: the orchestrator is away; what you said is kept and heard when it is back\n")
    assert [push["kind"] for push in pushed(agent)] == ["acknowledge"]


async def test_what_cannot_be_pushed_is_asked_for(agent, asked):
    (agent.launch / "pushes.jsonl").unlink()
    assert (await agent.try_to("ao", "acknowledge"))[:2] == (0, "✓ n-1 acknowledge\n")
    assert not (agent.launch / "pushes.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "command", "options"),
    [
        (["status", "--json"], "status", {"json": True}),
        (["send", "n-2", "go", "on"], "send", {"session": "n-2", "text": "go on"}),
        (["spawn", "--prompt", "Do it", "--agent", "codex"], "spawn", {"prompt": "Do it", "agent": "codex"}),
    ],
)
async def test_errands_are_asked_for(agent, asked, arguments, command, options):
    assert (await agent.try_to("ao", *arguments))[0] == 0
    assert [(one.command, one.options) for one in asked] == [(command, options)]
    assert pushed(agent) == []


@pytest.mark.parametrize("arguments", [["session", "kill", "n-2"], ["report"], ["approve", "n-1"], ["send", "n-2"]])
async def test_other_commands_are_refused_with_what_is_allowed(agent, asked, arguments):
    code, _, err = await agent.try_to("ao", *arguments)
    assert code == 2
    assert "ao here can: report STATE" in err
    assert asked == []


async def test_help_says_what_is_allowed(agent):
    assert (await agent.try_to("ao"))[1].startswith("ao here can: report STATE")
