"""Pull requests: what GitHub refuses, what moves with a push, what a merge does."""

import pytest

from tests.demo_github import git
from tests.demo_github.place import FILES, REPO

PULL = f"{REPO}/pulls/1"


@pytest.fixture
async def clone(place, tmp_path):
    """The bot's clone with an open pull request of its own that changes line 10."""
    clone = await git.clone(place.bot, tmp_path / "clone")
    await git.push(clone, "work", {"app.py": FILES["app.py"].replace("line 10\n", "line ten\n")}, "Spell it")
    await place.bot.json("POST", f"{REPO}/pulls", {"title": "Spell", "head": "work", "base": "main"}, status=201)
    return clone


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"head": "work", "base": "main"}, "A pull request already exists for alice:work."),
        ({"head": "none", "base": "main"}, "invalid"),
        ({"head": "main", "base": "work"}, "No commits between work and main"),
    ],
)
async def test_impossible_pull_request_is_refused(place, clone, body, said):
    answer = await place.bot.json("POST", f"{REPO}/pulls", {"title": "x", **body}, status=422)
    assert said in answer["errors"][0].values()


@pytest.mark.parametrize("event", ["APPROVE", "REQUEST_CHANGES"])
async def test_nobody_judges_their_own_pull_request(place, clone, event):
    answer = await place.bot.json("POST", f"{PULL}/reviews", {"event": event, "body": "x"}, status=422)
    assert "your own pull request" in answer["message"]
    await place.bot.json("POST", f"{PULL}/reviews", {"event": "COMMENT", "body": "x"}, status=200)


async def test_review_is_all_or_nothing(place, clone):
    comments = [
        {"path": "app.py", "line": 10, "body": "fine"},
        {"path": "app.py", "line": 1, "body": "not in the diff"},
    ]
    await place.bob.json("POST", f"{PULL}/reviews", {"event": "COMMENT", "body": "x", "comments": comments}, status=422)
    assert await place.bob.json("GET", f"{PULL}/reviews") == []


async def test_reply_to_a_reply_is_refused(place, clone):
    top = await place.bob.json("POST", f"{PULL}/comments", {"path": "app.py", "line": 10, "body": "why?"}, status=201)
    reply = await place.bot.json("POST", f"{PULL}/comments/{top['id']}/replies", {"body": "so"}, status=201)
    assert reply["in_reply_to_id"] == top["id"]
    await place.bob.json("POST", f"{PULL}/comments/{reply['id']}/replies", {"body": "no"}, status=422)


async def test_commented_line_moves_with_pushes_until_it_is_changed(place, clone):
    await place.bob.json("POST", f"{PULL}/comments", {"path": "app.py", "line": 10, "body": "why?"}, status=201)
    lines = []
    for text in ("top\n" + FILES["app.py"].replace("line 10\n", "line ten\n"), FILES["app.py"]):
        await git.push(clone, "work", {"app.py": text + "# more\n"})
        lines += [said["line"] for said in await place.bob.json("GET", f"{PULL}/comments")]
    assert lines == [11, None]


async def test_merge_wants_the_head_that_was_meant(place, clone):
    await place.bob.json("PUT", f"{PULL}/merge", {"sha": "0" * 40}, status=409)
    await place.eve.json("PUT", f"{PULL}/merge", status=403)
    await place.bob.json("PUT", f"{PULL}/merge", {"merge_method": "squash"}, status=200)
    await place.bob.json("PUT", f"{PULL}/merge", status=405)
    commit = await place.bob.json("GET", f"{REPO}/commits/main")
    assert (commit["commit"]["message"], len(commit["parents"])) == ("Spell (#1)", 1)


async def test_conflict_is_seen_and_not_merged(place, clone, tmp_path):
    other = await git.clone(place.bob, tmp_path / "other")
    await git.push(other, "main", {"app.py": FILES["app.py"].replace("line 10\n", "line X\n")})
    pull = await place.bob.json("GET", PULL)
    assert (pull["mergeable"], pull["mergeable_state"]) == (False, "dirty")
    await place.bob.json("PUT", f"{PULL}/merge", status=405)


async def test_push_that_contains_the_head_merges_it(place, clone):
    await git.run("push", "--quiet", "origin", "work:main", cwd=clone)
    assert (await place.bob.json("GET", PULL))["merged"] is True


async def test_branch_deleted_before_the_merge_closes_the_pull_request(place, clone):
    await place.bob.json("DELETE", f"{REPO}/git/refs/heads/work", status=204)
    pull = await place.bob.json("GET", PULL)
    assert (pull["state"], pull["merged"]) == ("closed", False)


async def test_pull_request_of_a_fork_is_named_by_no_check(place, clone, tmp_path):
    place.hub.fork("alice/garden", "eve")
    fork = await git.clone(place.eve, tmp_path / "fork", "eve/garden")
    sha = await git.push(fork, "work", {"app.py": "mine\n"}, "Mine", "--force")
    body = {"title": "Borrow", "head": "eve:work", "base": "main"}
    pull = await place.eve.json("POST", f"{REPO}/pulls", body, status=201)
    assert pull["head"]["repo"]["full_name"] == "eve/garden"
    assert await place.bob.json("GET", f"{REPO}/commits/{sha}/pulls") == []
    run = await place.bot.json("POST", f"{REPO}/check-runs", {"name": "x", "head_sha": sha}, status=201)
    assert run["pull_requests"] == []
