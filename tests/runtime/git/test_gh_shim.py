"""`gh` as an agent has it, run as its own process against the service's end of the gate."""

import asyncio
import signal
import stat
import subprocess
import sys

import pytest

from runtime.gate_server import Answer, GateServer, GhRequest
from runtime.shim.install import install_shims
from tests.runtime.git.conftest import Agent


@pytest.fixture
def bare_agent(place) -> Agent:
    """An agent with shims and a directory to work in, no repository."""
    agent = Agent("n-1", place / "tree", place / "launch", {"PYTHONPATH": str(place), "PYTHONSTARTUP": "/nonexistent"})
    agent.worktree.mkdir()
    (place / "json.py").write_text("raise SystemExit('the agent replaced a module')")
    (agent.worktree / "socket.py").write_text("raise SystemExit('the agent replaced a module')")
    install_shims(agent.launch / "bin", sys.executable, wait=5)
    return agent


@pytest.fixture
async def asked(bare_agent):
    """What the service was asked; it answers each request with its number."""
    asked: list[GhRequest] = []

    async def handle(request):
        asked.append(request)
        if request.command == "api":
            return Answer.refused("gh api reads your own repository only")
        return Answer.done(f"https://github.example/o/n/pull/{len(asked)}")

    server = GateServer(bare_agent.launch, handle)
    await server.start()
    yield asked
    await server.close()


def test_nothing_but_gh_and_ao_hides_a_program_of_the_machine(bare_agent):
    programs = [file.name for file in (bare_agent.launch / "bin").iterdir() if file.stat().st_mode & stat.S_IXUSR]
    assert sorted(programs) == ["ao", "ao-upload-pack", "gh"]


@pytest.mark.parametrize(
    ("arguments", "command", "options"),
    [
        (["pr", "create", "--title", "A; $(b)", "--body=- x\n", "--draft"], "pr create",
         {"title": "A; $(b)", "body": "- x\n", "draft": True}),
        (["pr", "create", "-t", "A", "-b", "B", "-B", "main", "-H", "ao/n-1", "-R", "o/n"], "pr create",
         {"title": "A", "body": "B", "base": "main", "head": "ao/n-1", "repo": "o/n"}),
        (["pr", "view", "7", "--json", "state,title"], "pr view", {"target": "7", "json": ["state", "title"]}),
        (["pr", "checks"], "pr checks", {}),
        (["pr", "diff", "--name-only"], "pr diff", {"name_only": True}),
        (["pr", "edit", "--body", "B"], "pr edit", {"body": "B"}),
        (["issue", "view", "3", "--comments"], "issue view", {"target": "3", "comments": True}),
        (["run", "view", "9", "--log-failed"], "run view", {"target": "9", "log_failed": True}),
    ],
)  # fmt: skip
async def test_an_allowed_command_is_done_by_the_service(bare_agent, asked, arguments, command, options):
    code, out, err = await bare_agent.try_to("gh", *arguments)
    assert (code, out, err) == (0, "https://github.example/o/n/pull/1\n", "")
    assert [(request.command, request.options) for request in asked] == [(command, options)]


async def test_a_refusal_of_the_service_goes_to_the_error_output(bare_agent, asked):
    code, out, err = await bare_agent.try_to("gh", "api", "repos/o/other/issues", "-X", "get", "-H", "Accept: x")
    assert (code, out, err) == (1, "", "gh api reads your own repository only\n")
    assert asked[0].options == {"path": "repos/o/other/issues"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pr", "merge", "1"], "gh here can: pr create"),
        (["auth", "token"], "No login is needed"),
        (["repo", "delete", "o/n", "--yes"], "gh here can: pr create"),
        (["pr", "create", "--title", "A", "--reviewer", "x"], "unrecognized arguments: --reviewer x"),
        (["pr", "create", "--body", "B"], "a title is needed"),
        (["pr", "create", "--title", "A", "--body-file", "/nonexistent"], "cannot read the body"),
        (["pr", "view", "--json", "x", "--jq", ".x"], "leave out --jq"),
        (["api", "x", "-X", "DELETE"], "only reads"),
        (["api", "x", "--method=POST"], "only reads"),
        (["api", "graphql", "-f", "query=mutation {}"], "only reads"),
        (["api", "x", "--input", "-"], "only reads"),
        (["issue", "close", "1"], "gh here can: pr create"),
    ],
)
async def test_everything_else_is_refused_without_asking(bare_agent, asked, arguments, says):
    code, out, err = await bare_agent.try_to("gh", *arguments)
    assert (code, out) == (1, "")
    assert says in err
    assert asked == []


@pytest.mark.parametrize("arguments", [[], ["--version"], ["help"]])
async def test_help_says_what_can_be_done(bare_agent, asked, arguments):
    code, out, _ = await bare_agent.try_to("gh", *arguments)
    assert (code, asked) == (0, [])
    assert "gh here can: pr create" in out


async def test_a_body_may_come_from_a_file(bare_agent, asked):
    (bare_agent.worktree / "body.md").write_text("Zażółć")
    await bare_agent.try_to("gh", "pr", "create", "-t", "A", "-F", "body.md")
    assert asked[0].options == {"title": "A", "body": "Zażółć"}


async def test_fill_takes_title_and_body_from_the_last_commit(agent, asked, bare_agent):
    agent.commit("Add it\n\nBecause it was missing.", new__py="1\n")
    filling = Agent("n-1", agent.worktree, bare_agent.launch, {})
    assert (await filling.try_to("gh", "pr", "create", "--fill"))[0] == 0
    assert asked[0].options == {"title": "Add it", "body": "Because it was missing."}


async def test_an_interrupt_ends_it_quietly(bare_agent):
    install_shims(bare_agent.launch / "bin", sys.executable, wait=60)
    gh = await asyncio.create_subprocess_exec(
        "gh", "pr", "view", cwd=bare_agent.worktree, env=bare_agent.env(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    await gh.stderr.readuntil(b"waiting up to 60 s for it\n")
    gh.send_signal(signal.SIGINT)
    assert (await gh.communicate(), gh.returncode) == ((b"", b""), 130)
