"""What the local GitHub refuses, and in which words' code: the rules that a person or a bot runs into."""

import pytest

from tests.demo_github import git
from tests.demo_github.place import FILES, REPO, Person

PULL = f"{REPO}/pulls/1"
RUNS = f"{REPO}/check-runs"


@pytest.fixture
async def open_pull(place, tmp_path):
    """The bot's pull request 1, and issue 2."""
    clone = await git.clone(place.bot, tmp_path / "clone")
    await git.push(clone, "work", {"app.py": FILES["app.py"].replace("line 10\n", "line ten\n")}, "Spell it")
    await place.bot.json("POST", f"{REPO}/pulls", {"title": "Spell", "head": "work", "base": "main"}, status=201)
    await place.bob.json("POST", f"{REPO}/issues", {"title": "x"}, status=201)
    return (await place.bot.json("GET", PULL))["head"]["sha"]


async def refused(person, *cases):
    """Expect each (status, method, path, body) to be refused with its status."""
    for status, method, path, body in cases:
        answer = await person.request(method, path, json=body)
        assert answer.status_code == status, f"{method} {path} {body}: {answer.status_code} {answer.text}"
        assert answer.json()["message"]


async def test_checks_are_refused_that_github_would_not_show(place, open_pull):
    run = {"name": "x", "head_sha": open_pull}
    action = {"label": "l", "description": "d", "identifier": "i"}
    await refused(
        place.bot,
        (422, "POST", RUNS, {**run, "head_sha": "f" * 40}),
        (422, "POST", RUNS, {**run, "output": {"title": "t"}}),
        (422, "POST", RUNS, {**run, "output": {"title": "t", "summary": "s" * 65_536}}),
        (422, "POST", RUNS, {**run, "actions": [action] * 4}),
        (422, "POST", RUNS, {**run, "actions": [{**action, "label": "l" * 21}]}),
        (422, "POST", RUNS, {**run, "status": "completed"}),
        (422, "POST", RUNS, {**run, "conclusion": "great"}),
        (404, "GET", f"{RUNS}/999999", None),
    )
    await refused(place.bob, (422, "POST", f"{REPO}/statuses/{open_pull}", {"state": "great"}))


async def test_pull_requests_are_refused_that_cannot_be(place, open_pull):
    new = {"title": "x", "head": "work", "base": "main"}
    await refused(place.eve, (404, "POST", f"{REPO}/pulls", new), (403, "PATCH", PULL, {"title": "hers"}))
    await refused(
        place.alice,
        (422, "POST", f"{REPO}/pulls", {**new, "head": "nobody:work"}),
        (422, "POST", f"{REPO}/pulls", {"head": "work", "base": "main", "issue": 2}),
        (405, "PUT", f"{PULL}/merge", {"merge_method": "rebase"}),
        (404, "GET", f"{PULL}/merge", None),
        (404, "GET", f"{PULL}/reviews/999999", None),
        (422, "PUT", f"{PULL}/update-branch", {"expected_head_sha": "f" * 40}),
    )
    await place.alice.json("PUT", f"{PULL}/merge", {}, status=200)
    await refused(place.alice, (422, "PATCH", PULL, {"state": "open"}), (405, "PUT", f"{PULL}/merge", {}))


async def test_branch_is_brought_up_to_date_with_its_base(place, open_pull, tmp_path):
    clone = await git.clone(place.alice, tmp_path / "other")
    sha = await git.push(clone, "main", {"new.txt": "new\n"}, "Go on")
    await place.alice.json("PUT", f"{PULL}/update-branch", {}, status=202)
    await place.hub.idle()
    head = (await place.alice.json("GET", PULL))["head"]["sha"]
    parents = (await place.alice.json("GET", f"{REPO}/commits/{head}"))["parents"]
    assert [parent["sha"] for parent in parents] == [open_pull, sha]


async def test_references_are_refused_that_cannot_be(place, open_pull):
    ref = {"ref": "refs/heads/copy", "sha": open_pull}
    await refused(
        place.alice,
        (422, "POST", f"{REPO}/git/refs", {**ref, "ref": "refs/tags/x"}),
        (422, "POST", f"{REPO}/git/refs", {**ref, "sha": "f" * 40}),
        (422, "POST", f"{REPO}/git/refs", {**ref, "ref": "refs/heads/work"}),
        (422, "DELETE", f"{REPO}/git/refs/heads/none", None),
        (404, "GET", f"{REPO}/git/ref/heads/none", None),
        (404, "GET", f"{REPO}/branches/none", None),
        (404, "GET", f"{REPO}/contents/none.txt", None),
        (404, "GET", "/repos/alice/nothing", None),
        (404, "GET", "/apps/nothing", None),
        (404, "GET", f"{REPO}/issues/99", None),
        (404, "GET", f"{REPO}/labels/none", None),
    )


async def test_issues_of_others_are_changed_by_those_who_may_triage(place, open_pull):
    one = f"{REPO}/issues/2"
    await refused(place.eve, (403, "PATCH", one, {"title": "hers"}), (403, "PUT", f"{one}/labels", {"labels": []}))
    await place.bob.json("PUT", f"{one}/labels", {"labels": ["a", "b"]}, status=200)
    await place.bob.json("PUT", f"{one}/labels", {"labels": ["b", "c"]}, status=200)
    assert [label["name"] for label in await place.bob.json("GET", f"{one}/labels")] == ["b", "c"]
    for state in ("closed", "closed", "open", "open"):
        assert (await place.bob.json("PATCH", one, {"state": state}, status=200))["state"] == state


async def test_reaction_is_taken_back_by_its_owner(place, open_pull):
    path = f"{REPO}/issues/2/reactions"
    made = await place.bob.json("POST", path, {"content": "eyes"}, status=201)
    await refused(place.alice, (404, "DELETE", f"{path}/{made['id']}", None))
    await place.bob.json("DELETE", f"{path}/{made['id']}", status=204)
    assert await place.bob.json("GET", f"{path}?content=eyes") == []


async def test_line_comment_is_edited_by_its_author_only(place, open_pull):
    line = {"path": "app.py", "line": 10, "body": "why?"}
    said = await place.bob.json("POST", f"{PULL}/comments", line, status=201)
    path = f"{REPO}/pulls/comments/{said['id']}"
    await refused(place.alice, (403, "PATCH", path, {"body": "hers"}))
    assert (await place.bob.json("PATCH", path, {"body": "why so?"}, status=200))["body"] == "why so?"
    reply = {"in_reply_to": said["id"], "body": "because"}
    assert (await place.alice.json("POST", f"{PULL}/comments", reply, status=201))["in_reply_to_id"] == said["id"]
    body = {"repository": "alice/garden", "login": "bob", "resolved": True}
    for resolved in (True, False):
        await place.bob.json("POST", f"/_local/review-comments/{said['id']}/resolve", {**body, "resolved": resolved})
    await place.hub.idle()
    names = [name for name in place.inbox.names() if name.startswith("pull_request_review_thread")]
    assert names == ["pull_request_review_thread.resolved", "pull_request_review_thread.unresolved"]


async def test_control_says_what_is_not_there(place):
    await refused(
        place.anyone,
        (404, "POST", "/_local/apps/nothing/installations", {"account": "alice"}),
        (404, "POST", "/_local/installations/999999/repositories", {}),
        (404, "POST", "/_local/check-runs/999999/actions", {"identifier": "x", "login": "bob"}),
        (400, "POST", "/_local/users", {}),
    )
    await place.anyone.json("POST", "/_local/users", {"login": "dora"}, status=201)
    copy = await place.anyone.json("POST", "/_local/forks", {"repository": "alice/garden", "owner": "dora"}, status=201)
    assert (copy["full_name"], copy["fork"]) == ("dora/garden", True)
    body = {"owner": "alice", "name": "pond"}
    await place.anyone.json("POST", "/_local/repositories", body, status=201)
    change = f"/_local/installations/{place.installation}/repositories"
    await place.anyone.json("POST", change, {"add": ["alice/pond"]}, status=201)
    await place.anyone.json("POST", change, {"remove": ["alice/pond"]}, status=201)
    await place.hub.idle()
    names = [name for name in place.inbox.names() if name.startswith("installation_repositories")]
    assert names == ["installation_repositories.added", "installation_repositories.removed"]
    assert (await place.anyone.get("/_local/logs/none")).status_code == 404
    assert (await place.anyone.get("/_local/avatars/1.svg")).headers["content-type"] == "image/svg+xml"
    assert (await place.anyone.json("GET", "/_local/deliveries?full=1"))[-1]["request"]["payload"]
    await place.anyone.json("POST", "/_local/faults", {"kind": "slow", "seconds": 0}, status=201)
    assert await place.anyone.json("DELETE", "/_local/faults") == []


@pytest.mark.parametrize("header", ["Basic !!!", "Basic eDp3cm9uZw==", "Digest x", "token nothing", "Bearer a.b.c"])
async def test_credentials_that_are_none_are_401(place, header):
    assert (await place.anyone.get("/user", headers={"Authorization": header})).status_code == 401


async def test_nobody_is_asked_who_they_are(place):
    await refused(place.anyone, (401, "GET", "/user", None), (401, "POST", f"{REPO}/issues", {"title": "x"}))
    async with Person(place.hub, place.app_jwt()) as signer:
        await refused(signer, (404, "GET", "/app/installations/999999", None))
