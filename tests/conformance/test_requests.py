"""What the bot asks of GitHub in the whole story, held against GitHub's own description."""

import os
from pathlib import Path

import pytest

from bot.demo.github import site
from tests.conformance.judge import Judge
from tests.conformance.requests import Ear, Heard, wrong
from tests.e2e.play import play, short_directory

pytestmark = pytest.mark.github
DATA = Path(os.environ.get("GH_NPM", ".github-data"))
HEADERS = {
    "accept": "*/*",
    "authorization": "Bearer x",
    "user-agent": "agent-orchestrator",
    "x-github-api-version": "1",
}


@pytest.fixture(scope="module")
def judge():
    return Judge(DATA)


@pytest.fixture
def ears(monkeypatch):
    ears, build = [], site.build

    def listened_to(world):
        ears.append(Ear(build(world)))
        return ears[-1]

    monkeypatch.setattr(site, "build", listened_to)
    return ears


@pytest.mark.parametrize("token_mode", [False, True], ids=["app", "token"])
async def test_bot_asks_only_what_github_describes(judge, ears, token_mode):
    with short_directory() as home:
        await play(home, [], token_mode=token_mode)
    [ear] = ears
    faults = {fault for heard in ear.heard for fault in wrong(judge, heard)}
    assert not faults, "\n".join(sorted(faults))
    asked = {(heard.method, heard.path.rstrip("/0123456789")) for heard in ear.heard}
    assert {("POST", "/repos/demo/names/pulls"), ("PATCH", "/repos/demo/names/issues/comments")} <= asked
    assert len(ear.heard) >= 15


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "said"),
    [
        ("GET", "/repos/o/r/isues/1", "", b"", "no such operation"),
        ("GET", "/repos/o/r/issues/1/comments", "perpage=100", b"", "no parameter perpage"),
        ("POST", "/repos/o/r/issues/1/comments", "", b"", "no body"),
        ("POST", "/repos/o/r/issues/1/comments", "", b'{"body": 1}', "body"),
        ("POST", "/repos/o/r/issues/1/comments", "", b'{"body": "x", "event": "y"}', "no field event"),
        ("POST", "/graphql", "", b'{"query": "{ viewer { logn } }"}', "logn"),
    ],
)
def test_what_github_does_not_know_is_found(judge, method, path, query, body, said):
    assert any(said in fault for fault in wrong(judge, Heard(method, path, query, HEADERS, body)))


def test_missing_header_is_found(judge):
    heard = Heard("GET", "/user", "", {name: value for name, value in HEADERS.items() if name != "accept"})
    assert wrong(judge, heard) == ["GET /user: no accept"]
