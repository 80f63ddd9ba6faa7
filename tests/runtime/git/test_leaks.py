"""Secrets in a push."""

import pytest

from runtime.errors import GitFailed
from runtime.gate_server import PushRequest, Update
from runtime.git import NOBODY
from runtime.leaks import Line, changed_lines, find_secret

KEY = "AKIA" + "Q4JD7WZTBM2XKEHU"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
def find(repository, agent):
    return lambda: find_secret(repository, agent.git("rev-parse", "HEAD"), env={})


@pytest.mark.parametrize("secret", [KEY, f"x = '{TOKEN}'", "-----BEGIN RSA PRIVATE KEY-----"])
async def test_a_credential_is_found_with_its_place(find, agent, secret):
    agent.commit("work", new__py=f"a\nb\n{secret}\nc\n")
    assert await find() == "new.py:3"


@pytest.mark.parametrize(
    "text",
    ["password = 'hunter2'", "https://user:pass@host.example/", "Authorization: Bearer abcdefghijklmnopqrst0123",
     "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "[redacted]"],
)  # fmt: skip
async def test_what_only_may_be_a_credential_passes(find, agent, text):
    agent.commit("work", new__py=f"{text}\n")
    assert await find() is None


async def test_a_credential_that_a_later_commit_removes_is_found(find, agent):
    agent.commit("oops", new__py=f"{KEY}\n")
    agent.commit("better", new__py="\n")
    assert await find() == "new.py:1"


async def test_a_credential_added_while_merging_is_found(find, agent):
    agent.git("switch", "-q", "-c", "side", "origin/main")
    agent.commit("side", side__py="1\n")
    agent.git("switch", "-q", "ao/n-1")
    agent.commit("work", new__py="1\n")
    agent.git("merge", "-q", "--no-commit", "side")
    agent.commit("merge", new__py=f"{KEY}\n")
    assert await find() == "new.py:1"


async def test_what_the_forge_has_already_is_not_looked_at(find, agent, forge, repository):
    forge.commit("main", new__py=f"{KEY}\n")
    await repository.fetch()
    agent.run("git", "merge", "-q", "origin/main")
    agent.commit("move", new__py="\n", moved__py=f"  {KEY}\n")
    assert await find() is None


async def test_no_ref_that_an_agent_writes_keeps_a_commit_from_being_looked_at(find, agent):
    agent.commit("work", new__py=f"{KEY}\n")
    agent.git("update-ref", "refs/remotes/origin/zzz", "HEAD")
    assert await find() == "new.py:1"


async def test_a_commit_that_cannot_be_found_is_not_taken_for_harmless(repository, agent):
    with pytest.raises(GitFailed, match="bad object"):
        await find_secret(repository, "7" * 40, env={})


async def test_a_push_with_a_credential_is_refused(gate, agent, repository, forge):
    work = agent.commit("work", new__py=f"{KEY}\n")
    request = PushRequest("12345678", (Update(NOBODY, work, "refs/heads/ao/n-1"),))
    answer = await gate.receive(request, await repository.remote())
    assert (answer.ok, answer.exit) == (False, 1)
    assert answer.text.startswith("new.py:1 looks like a credential: take it out of every commit")
    assert KEY not in answer.text
    assert forge.sha("ao/n-1") is None


def test_a_line_cannot_pass_for_a_header():
    first = "commit 1\n+++ b/a\n@@ -1 +1,2 @@\n--- old\n+++ b/other\n+@@ -1 +9 @@\n"
    second = "commit 2\n+++ b/second\n@@ -0,0 +5 @@\n+x"
    assert list(changed_lines(first + second)) == [
        Line("1", "a", None, "-- old"),
        Line("1", "a", 1, "++ b/other"),
        Line("1", "a", 2, "@@ -1 +9 @@"),
        Line("2", "second", 5, "x"),
    ]
