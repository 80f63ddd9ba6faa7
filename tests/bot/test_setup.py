"""`ao setup`, played against the local GitHub with an HTTP client for a browser."""

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
import sys
from html import unescape
from pathlib import Path

import aiohttp
import pytest

from bot.config import load, read
from bot.demo.github import LocalGitHub
from bot.demo.github.changes import apps
from bot.demo.github.refusals import Refusal
from bot.demo.stage import free_port
from bot.doctor_online import MANIFEST
from bot.github.client import AiohttpWire
from bot.github.manifest import AppCredentials, build_manifest
from bot.setup import Setup, Wishes, run
from bot.setup_page import Ear, serving
from runtime.errors import ForgeRefused, UserError


@pytest.fixture
async def github(tmp_path):
    hub = LocalGitHub(tmp_path / "github")
    await hub.start()
    hub.add_user("owner")
    hub.add_repository("owner", "my-app", files={"README.md": "hello\n"})
    yield hub
    await hub.stop()


@pytest.fixture
def environ(github, tmp_path):
    return {
        "HOME": str(tmp_path),
        "AO_DATA_DIR": str(tmp_path / "data"),
        "AO_GITHUB_API_URL": github.url,
        "AO_PORT": str(free_port()),
    }


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("bot.setup_places.LOOK_EVERY_S", 0.02)


class Person:
    """Reads the terminal and does what it says in a browser."""

    def __init__(self, github: LocalGitHub) -> None:
        self.github = github
        self.said: list[str] = []
        self.pages: asyncio.Queue[str] = asyncio.Queue()

    def hears(self, line: str) -> None:
        self.said.append(line)
        if found := re.search(r"→ .*: (http\S+)", line):
            self.pages.put_nowait(found[1])

    async def consents(self) -> None:
        """Open the page, submit its form to GitHub, and follow GitHub's redirect back."""
        async with aiohttp.ClientSession() as browser:
            page = await (await browser.get(await self.pages.get())).text()
            action = unescape(re.search(r'action="([^"]+)"', page)[1])
            manifest = unescape(re.search(r'name="manifest" value="([^"]+)"', page)[1])
            for query in ("", "?code=guessed", "?code=guessed&state=guessed"):
                async with browser.get(json.loads(manifest)["redirect_url"] + query) as answer:
                    assert answer.status == 403
            answer = await browser.post(action, data={"manifest": manifest})
            assert "You can close this page" in await answer.text()

    async def does_everything(self) -> None:
        """Create the App and install it."""
        await self.consents()
        await self.installs()

    async def installs(self) -> None:
        """Install the App on the page that the terminal names."""
        async with aiohttp.ClientSession() as browser:
            answer = await browser.post(await self.pages.get(), data={"repository": "owner/my-app"})
            assert "Installed on owner/my-app" in await answer.text()


async def play(environ, tmp_path, person, *steps, **wishes) -> int:
    reading = read(environ, tmp_path)
    assert not reading.problems
    wire = AiohttpWire()
    setup = Setup(Wishes(browser=False, **wishes), reading.config, wire, person.hears)
    try:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            running = group.create_task(setup.run())
            for step in steps:
                group.create_task(step())
    finally:
        await wire.close()
    return running.result()


async def test_setup_goes_from_nothing_to_labels_and_a_test_delivery(github, environ, tmp_path):
    person = Person(github)
    assert await play(environ, tmp_path, person, person.does_everything, name="my bot") == 0
    said = "\n".join(person.said)
    assert "✓ GitHub's test delivery has arrived" in said
    assert "✓ owner/my-app: labels created: agent, agent:working, agent:needs-input, agent:done" in said
    assert "repo: owner/my-app" in said
    stored = tmp_path / "data" / "github-app"
    assert {stat.S_IMODE(path.stat().st_mode) for path in stored.iterdir()} == {0o600}
    app = AppCredentials.load(stored)
    assert app.webhook_secret not in said
    config = load(environ, tmp_path)
    assert config.settings.github_app_id == app.id
    assert [secret.get_secret_value() for secret in config.settings.webhook_secret] == [app.webhook_secret]


async def test_second_run_says_what_exists_and_replaces_only_when_asked(github, environ, tmp_path):
    person = Person(github)
    await play(environ, tmp_path, person, person.does_everything)
    first = AppCredentials.load(tmp_path / "data" / "github-app")

    again = Person(github)
    assert await play(environ, tmp_path, again) == 0
    assert again.said[0].startswith(f"✓ The App {first.slug} exists already")
    assert "✓ owner/my-app: labels are there" in again.said

    anew = Person(github)
    assert await play(environ, tmp_path, anew, anew.does_everything, again=True) == 0
    assert AppCredentials.load(tmp_path / "data" / "github-app").id != first.id


async def test_interrupted_setup_keeps_the_app_and_goes_on_with_the_installation(github, environ, tmp_path):
    person = Person(github)

    async def leave() -> None:
        await person.consents()
        await person.pages.get()
        raise InterruptedError

    with pytest.raises(ExceptionGroup, match="unhandled"):
        await play(environ, tmp_path, person, leave)
    again = Person(github)
    assert await play(environ, tmp_path, again, again.installs) == 0
    assert "exists already" in again.said[0]


async def test_setup_says_when_no_delivery_gets_through(github, environ, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.setup.DELIVERY_WAIT_S", 0.2)
    person = Person(github)
    steps = (person.does_everything,)
    assert await play(environ, tmp_path, person, *steps, public_url="http://127.0.0.1:9") == 1
    assert "✗ No delivery of GitHub has arrived through http://127.0.0.1:9/webhook." in person.said


async def test_setup_beside_a_running_service_leaves_its_port_alone(github, environ, tmp_path):
    person = Person(github)
    async with serving(Ear().app(), "127.0.0.1", int(environ["AO_PORT"])):
        assert await play(environ, tmp_path, person, person.does_everything) == 0
    assert any("no test delivery was awaited" in line for line in person.said)


async def test_setup_that_nobody_installs_says_how_to_go_on(github, environ, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.setup.INSTALL_WAIT_S", 0.1)
    person = Person(github)
    assert await play(environ, tmp_path, person, person.consents) == 1
    assert person.said[-1] == "✗ The App is not installed anywhere yet. Install it, then run: ao setup"


async def test_labels_that_cannot_be_made_are_named_and_the_rest_goes_on(github, environ, tmp_path, monkeypatch):
    async def refuse(*_: object) -> list[str]:
        raise ForgeRefused("no permission", status=403)

    monkeypatch.setattr("bot.setup_places.create_labels", refuse)
    person = Person(github)
    assert await play(environ, tmp_path, person, person.does_everything) == 0
    line = "△ owner/my-app: its labels could not be created (no permission); create `agent` by hand"
    assert line in person.said
    assert "What comes next" in person.said[person.said.index(line) + 1]


async def test_projects_that_are_configured_are_not_suggested_again(github, environ, tmp_path):
    (tmp_path / "agent-orchestrator.yaml").write_text("projects: {my-app: {repo: owner/my-app}}\n")
    person = Person(github)
    assert await play(environ, tmp_path, person, person.does_everything) == 0
    assert "  1. Your projects are configured already." in person.said


def test_ctrl_c_leaves_no_traceback(tmp_path):
    environ = {"HOME": str(tmp_path), "AO_GITHUB_API_URL": "http://127.0.0.1:9", "PATH": os.environ["PATH"]}
    measuring = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    setup = subprocess.Popen(
        [sys.executable, "-c", "import sys; from bot.cli import main; sys.exit(main())", "setup", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environ | measuring | {"PYTHONPATH": str(Path(__file__).parents[2]), "AO_PORT": "3998"},
    )
    assert setup.stdout.readline().startswith("→ Create the App: http://127.0.0.1:")
    setup.send_signal(signal.SIGINT)
    said, complained = setup.communicate(timeout=30)
    assert (setup.returncode, complained) == (1, "")
    assert said.endswith("Stopped. What is done is kept; go on with: ao setup\n")


async def test_manifest_is_one_that_github_accepts(github, environ, tmp_path):
    made = build_manifest(
        MANIFEST, webhook_url="https://x.test/webhook", redirect_url="http://x.test", homepage="https://x.test"
    )
    apps.check_manifest(made)
    with pytest.raises(Refusal):
        apps.check_manifest(made | {"default_permissions": {}})


@pytest.mark.parametrize("url", [None, "http://localhost:3000", "http://127.0.0.1:3000", "ftp://x", "not a url"])
def test_setup_on_github_needs_an_address_that_github_can_reach(tmp_path, url):
    with pytest.raises(UserError, match="--public-url"):
        run(Wishes(public_url=url, browser=False), {"HOME": str(tmp_path), "AO_PORT": "3999"}, tmp_path)


def test_setup_refuses_while_another_identity_would_win(tmp_path):
    with pytest.raises(UserError, match="AO_GITHUB_TOKEN is set"):
        run(Wishes(), {"HOME": str(tmp_path), "AO_GITHUB_TOKEN": "t"}, tmp_path)
