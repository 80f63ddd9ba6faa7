"""Git over HTTP, as clients use it."""

import asyncio
import base64
import random

import pytest

from tests.demo_github import git
from tests.demo_github.place import REPO


async def test_large_push_arrives_whole_and_moves_the_branch(place, tmp_path):
    clone = await git.clone(place.bob, tmp_path / "clone")
    noise = random.Random(7).randbytes(3_000_000).hex()
    sha = await git.push(clone, "big", {"noise.txt": noise})
    branch = await place.anyone.json("GET", f"{REPO}/branches/big")
    assert branch["commit"]["sha"] == sha
    again = await git.clone(place.eve, tmp_path / "again")
    assert (await git.run("rev-parse", "origin/big", cwd=again)).strip() == sha


@pytest.mark.parametrize("who", ["eve", "nobody"])
async def test_push_without_write_permission_changes_nothing(place, tmp_path, who):
    clone = await git.clone(place.eve, tmp_path / "clone")
    if who == "nobody":
        await git.run("remote", "set-url", "origin", f"{place.hub.url}/alice/garden.git", cwd=clone)
    await git.run("checkout", "--quiet", "-b", "sneaky", cwd=clone)
    await git.run("commit", "--quiet", "--allow-empty", "-m", "Sneak", cwd=clone)
    await git.run("push", "origin", "sneaky", cwd=clone, fails=True)
    assert [branch["name"] for branch in await place.bob.json("GET", f"{REPO}/branches")] == ["main"]


async def test_pull_refs_cannot_be_pushed(place, tmp_path):
    clone = await git.clone(place.bob, tmp_path / "clone")
    out = await git.run("push", "origin", "HEAD:refs/pull/1/head", cwd=clone, fails=True)
    assert "deny updating a hidden ref" in out


async def test_private_repository_hides_from_strangers(place, tmp_path):
    place.hub.add_repository("alice", "secret", files={"a": "b"}, private=True)
    await git.run("clone", git.address(place.eve, "alice/secret"), "x", cwd=tmp_path, fails=True)
    await git.run("clone", f"{place.hub.url}/alice/secret.git", "x", cwd=tmp_path, fails=True)
    await git.run("clone", git.address(place.alice, "alice/secret"), "x", cwd=tmp_path)


async def test_abandoned_push_releases_the_repository(place, tmp_path):
    clone = await git.clone(place.bob, tmp_path / "clone")
    url = place.bob.base_url
    _, writer = await asyncio.open_connection(url.host, url.port)
    credentials = base64.b64encode(f"x:{place.bob.token}".encode()).decode()
    head = ["POST /alice/garden.git/git-receive-pack HTTP/1.1", "Host: x", f"Authorization: Basic {credentials}",
            "Content-Type: application/x-git-receive-pack-request", "Content-Length: 1000", "", "00"]  # fmt: skip
    writer.write("\r\n".join(head).encode())
    await writer.drain()
    while not place.hub.world.lock(place.hub.world.repository("alice/garden")).locked():
        await asyncio.sleep(0.01)
    writer.close()
    assert await git.push(clone, "after", {"a": "b"})


@pytest.mark.parametrize("path", ["HEAD", "objects/info/packs", "info/refs", "config"])
async def test_only_the_smart_protocol_is_served(place, path):
    assert (await place.alice.get(f"/alice/garden.git/{path}")).status_code == 403
