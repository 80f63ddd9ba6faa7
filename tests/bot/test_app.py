"""The service put together and run, in this process."""

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot import app
from bot.config import load
from bot.demo.stage import free_port
from bot.github.credentials import AppAuth, TokenAuth
from bot.pace import Pace
from bot.running import close
from runtime.errors import ConfigError
from runtime.store import sessions
from tests.fakes.clock import FakeClock
from tests.waiting import until

CONFIG = """
projects:
  app: {repo: octo/app, agent: scripted}
"""


@pytest.fixture
def place():
    path = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    (path / "ao.yaml").write_text(CONFIG)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def environ(place):
    return {
        "PATH": os.environ["PATH"], "HOME": str(place), "AO_DATA_DIR": str(place / "data"), "AO_PORT": str(free_port()),
        "AO_CONFIG_PATH": str(place / "ao.yaml"), "AO_WEBHOOK_SECRET": "0123456789abcdef", "AO_GITHUB_TOKEN": "ghp_x",
        "AO_GITHUB_API_URL": "http://127.0.0.1:9",
    }  # fmt: skip


def prepare(environ, place):
    config = load(environ, place)
    config.data_dir.mkdir(exist_ok=True)
    return config


async def test_parts_are_built_without_running_anything(environ, place):
    config = prepare(environ, place)
    parts = app.build(config, environ, Pace())
    assert not parts.hub.is_app
    assert set(parts.projects) == {"app"}
    assert app._secrets(config.settings) == ["ghp_x", "0123456789abcdef"]
    assert isinstance(app._auth(config.settings), TokenAuth)
    await close(parts)


async def test_lost_deliveries_are_looked_for_soon_after_the_machine_has_slept(environ, place):
    clock = FakeClock()
    parts = app.build(prepare(environ, place), environ, Pace(clock=clock))
    clock.passes(3600)
    await parts.naps.look()
    assert parts.receiver.turned_away.is_set()
    await close(parts)


async def test_app_is_known_by_its_key(environ, place):
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (place / "app.pem").touch(mode=0o600)
    (place / "app.pem").write_bytes(pem)
    del environ["AO_GITHUB_TOKEN"]
    del environ["HOME"]
    known = {**environ, "AO_GITHUB_APP_ID": "1", "AO_GITHUB_PRIVATE_KEY_FILE": str(place / "app.pem")}
    config = prepare(known, place)
    parts = app.build(config, known, Pace())
    assert parts.hub.is_app
    assert isinstance(app._auth(config.settings), AppAuth)
    assert app._secrets(config.settings) == ["0123456789abcdef"]
    await close(parts)


async def test_status_comment_is_rendered_from_the_store(environ, place):
    parts = app.build(prepare(environ, place), environ, Pace())
    render = parts.sender._render
    assert render("app-1") == ""
    await parts.store.write(
        lambda tx: sessions.claim(
            tx, project="app", prefix="app", repo="octo/app", issue=1, title="t", task="t", agent="scripted",
            base="main", asked_by="x",
        )
    )  # fmt: skip
    assert "| Session | `app-1` with scripted |" in render("app-1")
    await close(parts)


async def serve_and_stop(environ, place, stop=signal.SIGTERM):
    """Run the service until it is ready, ask it, and tell it to stop."""
    config = prepare(environ, place)
    listener = app.bind_public(config.settings.host, config.settings.port)
    port = listener.getsockname()[1]
    serving = asyncio.create_task(app._serve(config, listener, Pace(drain=1.0)))
    async with aiohttp.ClientSession() as http:

        async def healthy():
            try:
                async with http.get(f"http://127.0.0.1:{port}/healthz") as answer:
                    return answer.status
            except aiohttp.ClientError:
                return None

        while await healthy() != 200:
            assert not serving.done(), serving.exception()
            await asyncio.sleep(0.01)
        await until(config.socket.exists)
        os.kill(os.getpid(), stop)
        return await asyncio.wait_for(serving, 30), config


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_service_runs_until_it_is_told_to_stop(environ, place, stop, monkeypatch):
    monkeypatch.setattr(app, "environment", lambda: environ)
    code, config = await serve_and_stop(environ, place, stop)
    assert (code, config.socket.exists()) == (0, False)
    assert [path.name for path in config.data_dir.glob("ao.db*")] == ["ao.db"]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


def test_serve_returns_the_exit_code(environ, place, monkeypatch):
    asked = []

    async def serving(config, listener, pace):
        asked.append((config, pace))
        listener.close()
        return 0

    monkeypatch.setattr(app, "_serve", serving)
    monkeypatch.setattr(app, "set_up_logs", lambda level, form: asked.append((level, form)))
    config = load(environ, place)
    assert app.serve(config) == 0
    assert asked == [("info", "text"), (config, Pace())]
    assert (place / "data").stat().st_mode & 0o777 == 0o700


def test_missing_tmux_stops_the_start_with_the_fix(environ, place, monkeypatch):
    find = shutil.which
    monkeypatch.setattr("shutil.which", lambda name, **more: None if name == "tmux" else find(name, **more))
    monkeypatch.setattr(app, "set_up_logs", lambda level, form: None)
    with pytest.raises(ConfigError, match="tmux is missing: install tmux"):
        app.serve(load(environ, place))
