"""The two doors."""

import asyncio
import shutil
import socket
import tempfile
from pathlib import Path

import aiohttp
import pytest

from bot.listeners import bind_public, open_doors
from runtime.errors import ConfigError


@pytest.fixture
def place():
    path = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


def answering(word):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": word.encode()})

    return app


async def test_both_doors_are_open_inside_the_block_only(place):
    listener = bind_public("127.0.0.1", 0)
    host, port = listener.getsockname()
    path = place / "ao.sock"
    async with open_doors(answering("public"), answering("private"), listener, path):
        async with aiohttp.ClientSession() as http, http.get(f"http://{host}:{port}/") as answer:
            assert (await answer.text(), "Server" in answer.headers) == ("public", False)
        private = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)))
        async with private as http, http.get("http://ao/") as answer:
            assert await answer.text() == "private"
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()
    with pytest.raises(OSError, match=str(port)):
        await asyncio.open_connection(host, port)


def test_port_that_is_taken_is_told_with_a_free_one():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"AO_PORT: 127\.0\.0\.1:{port} is taken by another program: choose"):
            bind_public("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_address_that_is_not_ours_is_told_with_the_settings(host):
    with pytest.raises(ConfigError, match=r"cannot be opened .*: correct AO_HOST and AO_PORT"):
        bind_public(host, 3000)
