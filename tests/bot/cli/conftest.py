"""Runs `ao` as a real process against a made-up service on a real socket."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.api.port import ProjectStatus
from tests.bot.fake_service import FakeService, delivery, record, running, session

ROOT = Path(__file__).parents[3]


@dataclass
class Ao:
    """The command line with a home of its own."""

    home: Path

    def __call__(self, *arguments: str, stdin: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "import sys; from bot.cli import main; sys.exit(main())", *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            cwd=self.home,
            env=self.environ(**environ),
            timeout=30,
        )

    def environ(self, **changed: str) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        known = {"HOME": str(self.home), "AO_DATA_DIR": str(self.home), "PATH": path, "PYTHONPATH": str(ROOT)}
        measuring = {name: value for name, value in os.environ.items() if name.startswith("COV")}
        return known | {"LANG": "C.UTF-8", "COLUMNS": "80"} | measuring | changed


@pytest.fixture(scope="module")
def home():
    with tempfile.TemporaryDirectory(prefix="ao-", dir="/tmp") as short:
        yield Path(short)


@pytest.fixture(scope="module")
def ao(home):
    return Ao(home)


@pytest.fixture(scope="module")
def _served(home):
    fake = FakeService()
    with running(fake, home):
        yield fake


@pytest.fixture
def service(_served):
    """A service with the same sessions for each test."""
    _served.__init__()
    _served.rows = [
        session(
            "app-1",
            pr_number=12,
            pr_url="https://github.com/o/my-app/pull/12",
            ci_status="success",
            pending_threads=2,
            review_decision="pending",
            activity="waiting_input",
            status="needs_input",
            summary="May I delete \x1b]0;owned\x07the \u202etable, or is it needed for something else?",
        ),
        session(
            "app-2",
            branch="feat/a-very-long-branch-name-that-does-not-fit",
            ci_status="failure",
            activity=None,
            review_decision="changes_requested",
            summary="",
        ),
        session("app-3", pr_number=104, ci_status="pending", review_decision="approved"),
        session("app-4", status="merged", ended_at="2020-01-01T00:00:00Z", attach_command=None),
    ]
    _served.configured.append(ProjectStatus(id="other", repo="o/other", problems=["f.yaml: projects.other: no"]))
    _served.journal = [
        delivery("3fd2c3f0-5d3e-11ef-9d8a-7d5f3f8d5f01", state="dead", error="KeyError: 'x'"),
        delivery(
            "3fd2c3f0-5d3e-11ef-9d8a-7d5f3f8d5f02",
            event="pull_request_review",
            action="submitted",
            state="ignored",
            skip_reason="octo has no write permission",
        ),
        delivery("3fd2c3f0-5d3e-11ef-9d8a-7d5f3f8d5f03", event="push", action=None),
    ]
    _served.trail = [record(1)]
    return _served
