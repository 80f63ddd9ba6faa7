"""`ao doctor`: each check can pass, warn and fail, and says what to do."""

import os
import tempfile
from asyncio import to_thread
from pathlib import Path

import pytest

from bot import doctor, doctor_online
from bot.config import read
from bot.demo.github import LocalGitHub
from bot.findings import failed, report
from bot.setup_page import Ear, serving
from runtime.errors import UserError
from tests.bot.fake_service import FakeService, running

WANTED = {
    "metadata": "read",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "read",
    "statuses": "read",
    "actions": "read",
}
EVENTS = ["check_run", "check_suite", "issue_comment", "issues", "pull_request", "pull_request_review", "push"]


@pytest.fixture
def home():
    with tempfile.TemporaryDirectory(prefix="ao-", dir="/tmp") as short:
        yield Path(short)


@pytest.fixture
def environ(home):
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "AO_DATA_DIR": str(home / "data"),
        "AO_WEBHOOK_SECRET": "0123456789abcdef",
        "AO_GITHUB_TOKEN": "t",
        "AO_GITHUB_API_URL": "http://127.0.0.1:9",
    }


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(doctor_online, "PATIENCE_S", 0.2)


def found(environ, home, **settings) -> dict[str, object]:
    return {finding.check: finding for finding in doctor.examine(environ, home, **settings)}


def program(directory: Path, name: str, says: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


def test_a_good_machine_has_no_failures(environ, home, offline):
    (home / "agent-orchestrator.yaml").write_text("projects: {a: {repo: o/a, agent: scripted}}\n")
    findings = found(environ, home, fix=True)
    assert not failed(list(findings.values()))
    levels = {name: finding.level for name, finding in findings.items()}
    assert levels["git"] == levels["tmux"] == levels["configuration"] == levels["data"] == levels["scripted"] == "PASS"
    assert levels["sandbox"] == levels["webhook"] == levels["service"] == levels["github"] == "WARN"


def test_configuration_without_a_project_is_worth_a_warning(environ, home, offline):
    finding = found(environ, home)["configuration"]
    assert (finding.level, finding.detail) == ("WARN", "environment only, projects: none")
    assert finding.fix == "write `projects: {my-app: {repo: owner/my-app}}` into agent-orchestrator.yaml"


def test_every_finding_that_did_not_pass_says_what_to_do(environ, home, offline):
    for finding in doctor.examine(environ | {"AO_PROT": "1"}, home):
        assert bool(finding.fix) == (finding.level != "PASS")


@pytest.mark.parametrize(
    ("says", "detail"),
    [("echo git version 2.25.1", "git version 2.25.1 is too old"), ("exit 1", "does not run"), (None, "missing")],
)
def test_git_that_cannot_be_used_is_a_failure(environ, home, offline, says, detail):
    if says:
        program(home / "bin", "git", says)
    finding = found(environ | {"PATH": str(home / "bin")}, home)["git"]
    assert (finding.level, detail in finding.detail) == ("FAIL", True)
    assert "install git 2.38" in finding.fix


@pytest.mark.parametrize("says", ["echo tmux 2.9", None])
def test_tmux_that_is_missing_or_old_is_a_failure(environ, home, offline, monkeypatch, says):
    if says:
        program(home / "bin", "tmux", says)
        monkeypatch.setenv("PATH", f"{home / 'bin'}:{os.environ['PATH']}")
    else:
        monkeypatch.setenv("PATH", str(home))
    assert found(environ, home)["tmux"].level == "FAIL"


def test_problems_of_the_configuration_are_split_into_problem_and_fix(environ, home, offline):
    finding = found(environ | {"AO_PROT": "1"}, home)["configuration"]
    assert (finding.level, finding.detail) == ("FAIL", "environment: AO_PROT: unknown setting")
    assert finding.fix == "did you mean AO_PORT?"


def test_fix_creates_the_data_directory_and_closes_it_and_the_key(environ, home, offline):
    key = home / "key.pem"
    key.write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    key.chmod(0o644)
    given = environ | {"AO_GITHUB_TOKEN": "", "AO_GITHUB_APP_ID": "1", "AO_GITHUB_PRIVATE_KEY_FILE": str(key)}
    before = found(given, home)
    assert (before["data"].level, before["key"].level) == ("WARN", "WARN")
    (home / "data").mkdir(mode=0o755)
    assert "open to other people (mode 755)" in found(given, home)["data"].detail
    after = found(given, home, fix=True)
    assert (after["data"].fixed, after["key"].fixed) == (True, True)
    assert ((home / "data").stat().st_mode & 0o777, key.stat().st_mode & 0o777) == (0o700, 0o600)
    assert report(list(after.values()))[-1].endswith("2 FIXED")


def test_fix_that_fails_is_told(environ, home, offline):
    finding = found(environ | {"AO_DATA_DIR": "/dev/null/x"}, home, fix=True)["data"]
    assert (finding.level, finding.fix) == ("FAIL", "choose another")


@pytest.mark.parametrize(("free", "level"), [(1024**2, "FAIL"), (1024**3, "WARN"), (1024**4, "PASS")])
def test_disk_space_is_judged(environ, home, offline, monkeypatch, free, level):
    (home / "data").mkdir(mode=0o700)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert found(environ, home)["disk"].level == level


async def test_app_is_compared_with_what_it_needs(environ, home, monkeypatch):
    hub = LocalGitHub(home / "github")
    await hub.start()
    hub.add_user("owner")
    complete = {"url": "https://x.test", "default_permissions": WANTED, "default_events": EVENTS}
    poor = {
        "url": "https://x.test",
        "default_permissions": {"contents": "read", "issues": "write"},
        "default_events": ["issues"],
    }
    judged = {}
    for name, manifest in (("complete", complete), ("poor", poor)):
        app = hub.create_app("owner", manifest | {"name": name})
        key = home / f"{name}.pem"
        key.write_text(app["pem"])
        given = environ | {"AO_GITHUB_API_URL": hub.url, "AO_GITHUB_TOKEN": "", "AO_GITHUB_APP_ID": str(app["id"])}
        config = read(given | {"AO_GITHUB_PRIVATE_KEY_FILE": str(key)}, home).config
        [judged[name]] = await doctor_online._github(config)
    [judged["wrong"]] = await doctor_online._github(read(environ | {"AO_GITHUB_API_URL": hub.url}, home).config)
    await hub.stop()
    assert judged["complete"].level == "PASS"
    assert judged["poor"].level == "FAIL"
    assert "contents: write" in judged["poor"].detail
    assert "check_run" in judged["poor"].detail
    assert (judged["wrong"].level, "correct AO_GITHUB_TOKEN" in judged["wrong"].fix) == ("FAIL", True)


def test_webhook_and_service_are_asked(environ, home, monkeypatch):
    async def unasked(_config):
        return []

    monkeypatch.setattr(doctor_online, "_github", unasked)
    (home / "data").mkdir(mode=0o700)
    fake = FakeService()
    with running(fake, home / "data"):
        assert found(environ, home)["service"].level == "PASS"
        fake.reasons = ["tmux does not answer"]
        service = found(environ, home)["service"]
    assert (service.level, "tmux does not answer" in service.detail) == ("FAIL", True)
    finding = found(environ | {"AO_PUBLIC_URL": "http://127.0.0.1:9"}, home)["webhook"]
    assert (finding.level, "does not answer" in finding.detail) == ("WARN", True)


async def test_webhook_that_leads_elsewhere_or_home_is_told_apart(environ, home):
    async with serving(Ear().app(), "127.0.0.1", 0) as port:
        for path, level in (("", "PASS"), ("/elsewhere", "WARN")):
            config = read(environ | {"AO_PUBLIC_URL": f"http://127.0.0.1:{port}{path}"}, home).config
            assert (await to_thread(doctor_online._webhook, config)).level == level


def test_an_agent_that_a_project_uses_must_be_installed(environ, home, offline, monkeypatch):
    class Missing:
        name = "claude-code"

        def installed(self, path):
            raise UserError("Install it: npm install …")

    agents = doctor.load_agents()
    monkeypatch.setattr(doctor, "load_agents", lambda: {**agents, "claude-code": Missing()})
    assert "claude-code" not in found(environ, home)
    (home / "agent-orchestrator.yaml").write_text("projects: {a: {repo: o/a}}\n")
    finding = found(environ, home)["claude-code"]
    assert (finding.level, finding.fix) == ("FAIL", "Install it: npm install …")
