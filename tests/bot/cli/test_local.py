"""The commands that need no service, and the start of `ao` itself."""

import json
import socket
import subprocess
import sys
import threading
from importlib.metadata import version

import pytest
import yaml

from bot.api.schemas import PRINTED
from bot.cli.app import COMMANDS
from bot.cli.later import TOP

HEAVY = {"pydantic", "rich", "sqlalchemy", "starlette", "aiohttp", "uvicorn", "yaml", "msgspec", "http"}


def loaded_by(ao, *arguments: str) -> set[str]:
    code = (
        "import sys\nfrom bot.cli.app import app\n"
        "try: app(sys.argv[1:], prog_name='ao')\nexcept BaseException: pass\n"
        "print(' '.join({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=ao.environ(), cwd=ao.home, timeout=30, check=True
    )
    return set(done.stderr.splitlines()[-1].split()) & HEAVY


def test_help_loads_nothing_heavy(ao):
    assert loaded_by(ao, "--help") == set()


def test_listing_sessions_loads_only_the_http_client(ao):
    assert loaded_by(ao, "session", "ls", "-p", "my-app", "--json") == {"http"}


def test_version_is_told(ao):
    assert ao("--version").stdout == f"ao {version('agent-orchestrator')}\n"


def test_help_lists_every_command_of_this_version_and_none_of_a_later_one(ao):
    shown = ao("--help").stdout
    listed = {
        line.split()[0] for line in shown.split("Commands:")[1].splitlines() if line.startswith("  ") and line.split()
    }
    assert set(COMMANDS) <= listed
    assert not listed & set(TOP)
    assert ao().returncode == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_can_be_imported(ao, name):
    shown = ao(name, "--help")
    assert shown.returncode == 0
    assert COMMANDS[name][1] in shown.stdout


def test_nothing_of_the_contract_is_missing(ao):
    contract = {
        "serve",
        "demo",
        "setup",
        "doctor",
        "config",
        "spawn",
        "batch-spawn",
        "session",
        "status",
        "send",
        "interrupt",
        "approve",
        "deny",
        "open",
        "orchestrator",
        "explain",
        "deliveries",
        "simulate",
        "events",
        "notify",
        "review-check",
        "report",
        "acknowledge",
    }
    assert set(COMMANDS) | set(TOP) == contract | {"completion"}


@pytest.mark.parametrize(
    "command", ["session ls", "status", "send app-1 x", "deliveries ls", "session kill app-1", "events tail"]
)
def test_without_a_service_one_line_says_how_to_start_it(ao, command):
    shown = ao(*command.split())
    assert shown.returncode == 1
    told = f"No service is running at {ao.home}/ao.sock. Start one with: ao serve\n"
    assert shown.stderr.endswith(told)
    assert shown.stderr.count("\n") == 1


def test_service_that_does_not_speak_http_is_told_apart(ao):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(ao.home / "ao.sock"))
    listener.listen()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"nonsense\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        shown = ao("session", "ls")
    finally:
        thread.join()
        listener.close()
        (ao.home / "ao.sock").unlink()
    assert (shown.returncode, "did not answer" in shown.stderr) == (1, True)


def test_serve_stops_with_every_problem_of_the_configuration(ao):
    shown = ao("serve", AO_PORT="x", AO_WEBHOOK_SECRET="short")
    assert shown.returncode == 2
    assert [line.split(":")[1].strip() for line in shown.stderr.splitlines()] == ["AO_WEBHOOK_SECRET", "AO_PORT"]


def test_help_names_every_schema(ao):
    assert ", ".join(PRINTED) in " ".join(ao("config", "schema", "--help").stdout.split())


IDENTITY = {"AO_WEBHOOK_SECRET": "0123456789abcdef", "AO_GITHUB_TOKEN": "secret-token"}


def test_configuration_without_a_project_says_what_to_write(ao):
    told = "write `projects: {my-app: {repo: owner/my-app}}` into"
    shown = ao("config", "check", **IDENTITY)
    assert (shown.returncode, f"Projects: none; {told} agent-orchestrator.yaml\n" in shown.stdout) == (0, True)
    (ao.home / "agent-orchestrator.yaml").write_text("port: 3000\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        shown = ao("serve", AO_PORT=str(taken.getsockname()[1]), **IDENTITY)
    assert shown.stderr.splitlines()[0] == (
        f"No project is configured, so that no session can start: {told} {ao.home}/agent-orchestrator.yaml."
    )


def test_config_is_checked_and_shown(ao):
    (ao.home / "agent-orchestrator.yaml").write_text("projects: {my-app: {repo: o/my-app, env: {A: secret-value}}}\n")
    shown = ao("config", "check", **IDENTITY)
    assert (shown.returncode, shown.stdout) == (0, f"✓ {ao.home}/agent-orchestrator.yaml. Projects: my-app\n")
    effective = ao("config", "show", **IDENTITY).stdout
    assert "secret-" not in effective
    assert yaml.safe_load(effective) == json.loads(ao("config", "show", "--json", **IDENTITY).stdout)


def test_config_check_names_broken_projects(ao):
    (ao.home / "agent-orchestrator.yaml").write_text("projects: {my-app: {repo: o/my-app}, bad: {}}\n")
    shown = ao("config", "check", **IDENTITY)
    assert shown.returncode == 2
    assert (
        shown.stderr
        == f"{ao.home}/agent-orchestrator.yaml: projects.bad.repo: missing; write owner/name as on GitHub\n"
    )


def test_config_schema_is_json_for_editors(ao):
    assert json.loads(ao("config", "schema").stdout)["additionalProperties"] is False


def test_doctor_reports_and_its_exit_code_says_whether_it_works(ao):
    (ao.home / "agent-orchestrator.yaml").write_text("projects: {my-app: {repo: o/my-app, agent: scripted}}\n")
    offline = IDENTITY | {"AO_GITHUB_API_URL": "http://127.0.0.1:9"}
    shown = ao("doctor", "--json", AO_PORT="x")
    assert shown.returncode == 1
    assert {"check", "level", "detail", "fix"} <= set(json.loads(shown.stdout)[0])
    assert ao("doctor", **{**offline, "AO_GITHUB_TOKEN": ""}).stdout.splitlines()[-1].startswith("Results: ")
