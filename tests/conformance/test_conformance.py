"""A whole story on the local GitHub, each webhook, answer and query held against what GitHub publishes."""

import json
import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conformance.judge import Judge
from tests.demo_github import git
from tests.demo_github.place import REPO, Person

pytestmark = pytest.mark.github
DATA = Path(os.environ.get("GH_NPM", ".github-data"))
# The description wants this account to be a user and an enterprise at once.
CONTRADICTION = "GET /app/installations 200: 0/account"
PULL = """
query($owner: String!, $name: String!, $number: Int!) {
  rateLimit { remaining resetAt cost }
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      state isDraft merged reviewDecision mergeable mergeStateStatus headRefOid headRefName title url
      autoMergeRequest { enabledAt }
      author { login __typename }
      reviewThreads(first: 50) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated path line
          comments(first: 20) { nodes { id fullDatabaseId body author { login } replyTo { id } } }
        }
      }
      latestOpinionatedReviews(first: 20) { nodes { state author { login } submittedAt commit { oid } } }
      commits(last: 1) { nodes { commit { oid statusCheckRollup { state contexts(first: 50) { nodes {
        __typename
        ... on CheckRun { name status conclusion detailsUrl databaseId isRequired(pullRequestNumber: $number)
                          checkSuite { app { slug } workflowRun { databaseId } } }
        ... on StatusContext { context state targetUrl isRequired(pullRequestNumber: $number) }
      } } } } } }
    }
  }
}
"""
RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { id isResolved } } }"
MINIMIZE = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
  minimizedComment { isMinimized minimizedReason } } }"""


@pytest.fixture(scope="module")
def judge():
    return Judge(DATA)


@pytest.fixture
def faults(place, judge, monkeypatch):
    """What is wrong with any answer that a person got; all of them are judged."""
    found = []
    ask = Person.request

    async def judged(self, method, path, **more):
        answer = await ask(self, method, path, **more)
        where = unquote(answer.request.url.path)
        body = answer.json() if "json" in answer.headers.get("content-type", "") else None
        if answer.is_success and answer.status_code != 304:
            found.extend(judge.answer(method, where, answer.status_code, body))
        return answer

    monkeypatch.setattr(Person, "request", judged)
    return found


async def ask(place, judge, who, text, **variables):
    """Ask the GraphQL door, in a document that GitHub would take."""
    assert judge.query(text) == []
    answer = await who.json("POST", "/graphql", {"query": text, "variables": variables})
    assert "errors" not in answer, answer
    return answer["data"]


async def issues_and_words(place):
    """Everything about issues, comments, labels and reactions."""
    await place.alice.json("POST", f"{REPO}/labels", {"name": "agent", "color": "0969da", "description": "Start"})
    body = {"title": "Greet", "body": "Please", "labels": ["agent", "new one"], "assignees": ["bob"]}
    issue = await place.bob.json("POST", f"{REPO}/issues", body, status=201)
    one = f"{REPO}/issues/{issue['number']}"
    await place.bob.json("DELETE", f"{one}/labels/new%20one")
    await place.bob.json("POST", f"{one}/labels", {"labels": ["help"]})
    await place.bob.json("POST", f"{one}/labels", ["bug"])
    await place.bob.json("PATCH", one, {"title": "Greet everybody", "assignees": []})
    await place.bob.json("PATCH", one, {"state": "closed", "state_reason": "not_planned"})
    await place.bob.json("PATCH", one, {"state": "open"})
    said = await place.bot.json("POST", f"{one}/comments", {"body": "On it"}, status=201)
    for person, thing in ((place.bot, one), (place.bob, f"{REPO}/issues/comments/{said['id']}")):
        await person.json("POST", f"{thing}/reactions", {"content": "eyes"}, status=201)
        await person.json("POST", f"{thing}/reactions", {"content": "eyes"}, status=200)
        await person.json("GET", f"{thing}/reactions")
    await place.bot.json("PATCH", f"{REPO}/issues/comments/{said['id']}", {"body": "Done"})
    spare = await place.eve.json("POST", f"{one}/comments", {"body": "Me too"}, status=201)
    await place.eve.json("DELETE", f"{REPO}/issues/comments/{spare['id']}", status=204)
    for path in (one, f"{REPO}/issues?state=all&per_page=1", f"{one}/comments", f"{one}/labels", f"{REPO}/labels",
                 f"{REPO}/labels/agent", f"{REPO}/issues/comments/{said['id']}"):  # fmt: skip
        await place.bot.json("GET", path)
    return issue, said


async def pull_and_checks(place, judge, issue, clone):
    """A pull request with checks, statuses, reviews and threads, up to its merge."""
    await git.push(clone, "ao/g-1", {"app.py": "".join(f"line {n}\n" for n in range(2, 22))}, "Change")
    body = {"title": "Greet", "head": "ao/g-1", "base": "main", "body": f"Closes #{issue['number']}"}
    pull = await place.bot.json("POST", f"{REPO}/pulls", body, status=201)
    one, sha = f"{REPO}/pulls/{pull['number']}", pull["head"]["sha"]
    await place.hub.idle()
    await checks(place, sha)
    wanted = {
        "event": "REQUEST_CHANGES",
        "body": "Almost",
        "comments": [{"path": "app.py", "line": 20, "body": "Why?"}],
    }
    review = await place.alice.json("POST", f"{one}/reviews", wanted, status=200)
    said = (await place.alice.json("GET", f"{one}/reviews/{review['id']}/comments"))[0]
    await place.bot.json("POST", f"{one}/comments/{said['id']}/replies", {"body": "Because"}, status=201)
    line = {"path": "app.py", "line": 19, "side": "RIGHT", "body": "And this?", "commit_id": sha}
    await place.alice.json("POST", f"{one}/comments", line, status=201)
    await place.bot.json("POST", f"{REPO}/pulls/comments/{said['id']}/reactions", {"content": "+1"}, status=201)
    await place.bot.json("PATCH", f"{REPO}/issues/{pull['number']}", {"labels": ["agent"]})
    await place.bot.json("PATCH", one, {"title": "Greet all", "state": "closed"})
    await place.bot.json("PATCH", one, {"state": "open"})
    await git.push(clone, "ao/g-1", {"greeting.txt": "hello\n"}, "Say hello")
    await place.hub.idle()
    await place.alice.json("POST", f"{one}/reviews", {"event": "APPROVE"}, status=200)
    for path in (one, f"{REPO}/pulls", f"{REPO}/pulls?head=alice:ao/g-1&state=all", f"{one}/commits", f"{one}/files",
                 f"{one}/reviews", f"{one}/reviews/{review['id']}", f"{one}/comments", f"{REPO}/commits/{sha}/pulls",
                 f"{REPO}/pulls/comments/{said['id']}", f"{REPO}/issues/{pull['number']}"):  # fmt: skip
        await place.bot.json("GET", path)
    await graphql(place, judge, pull)
    await place.alice.json("PUT", f"{one}/merge", {"merge_method": "squash"}, status=200)
    await place.alice.json("GET", f"{one}/merge", status=204)
    await place.alice.json("DELETE", f"{REPO}/git/refs/heads/ao/g-1", status=204)
    await place.hub.idle()


async def checks(place, sha):
    """Check runs, suites, annotations, statuses."""
    wanted = {"name": "gardener", "head_sha": sha, "status": "in_progress", "external_id": "s-1",
              "output": {"title": "Working", "summary": "On it"},
              "actions": [{"label": "Stop", "description": "Stop it", "identifier": "stop"}]}  # fmt: skip
    run = await place.bot.json("POST", f"{REPO}/check-runs", wanted, status=201)
    done = {"conclusion": "neutral", "output": {"title": "Done", "summary": "Fine", "annotations": [
        {"path": "app.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "?"}]}}  # fmt: skip
    await place.bot.json("PATCH", f"{REPO}/check-runs/{run['id']}", done)
    press = {"identifier": "stop", "login": "bob"}
    await place.bob.json("POST", f"/_local/check-runs/{run['id']}/actions", press)
    await place.alice.json("POST", f"{REPO}/check-runs/{run['id']}/rerequest", status=201)
    status = {"state": "pending", "context": "ao", "description": "Working", "target_url": "https://example.com/x"}
    await place.bob.json("POST", f"{REPO}/statuses/{sha}", status, status=201)
    runs = await place.bot.json("GET", f"{REPO}/commits/{sha}/check-runs")
    for path in (f"check-runs/{run['id']}", f"check-runs/{run['id']}/annotations", f"commits/{sha}/check-suites",
                 f"check-runs/{runs['check_runs'][0]['id']}/annotations", f"commits/{sha}/statuses",
                 f"commits/{sha}/status"):  # fmt: skip
        await place.bot.json("GET", f"{REPO}/{path}")


async def graphql(place, judge, pull):
    """The one call that the bot makes, and its mutations."""
    data = await ask(place, judge, place.bot, PULL, owner="alice", name="garden", number=pull["number"])
    shown = data["repository"]["pullRequest"]
    assert shown["reviewDecision"] == "APPROVED"
    assert shown["commits"]["nodes"][0]["commit"]["statusCheckRollup"]["state"] == "SUCCESS"
    assert [thread["isOutdated"] for thread in shown["reviewThreads"]["nodes"]] == [False, False]
    thread = shown["reviewThreads"]["nodes"][0]
    data = await ask(place, judge, place.bot, RESOLVE, id=thread["id"])
    assert data["resolveReviewThread"]["thread"]["isResolved"]
    await ask(place, judge, place.bot, MINIMIZE, id=thread["comments"]["nodes"][0]["id"])


async def repository_and_people(place):
    """What is asked about places and people."""
    await place.alice.json("POST", f"{REPO}/git/refs", {"ref": "refs/heads/copy", "sha": await main(place)}, status=201)
    for path in ("/user", "/users/bob", "/users/gardener[bot]", "/rate_limit", "/meta", "/", "/versions", REPO,
                 f"{REPO}/branches", f"{REPO}/branches/main", f"{REPO}/git/ref/heads/main", f"{REPO}/contents/app.py",
                 f"{REPO}/commits/main", f"{REPO}/collaborators/bob/permission", "/apps/gardener"):  # fmt: skip
        await place.alice.json("GET", path)
    await place.bot.json("GET", "/installation/repositories")


async def main(place):
    """The commit of the default branch."""
    return (await place.alice.json("GET", f"{REPO}/branches/main"))["commit"]["sha"]


async def app_and_hooks(place):
    """What an app asks as itself, and a repository's own hook."""
    async with Person(place.hub, place.app_jwt()) as signer:
        for path in ("/app", "/app/installations", f"/app/installations/{place.installation}", f"{REPO}/installation",
                     "/app/hook/config", "/app/hook/deliveries"):  # fmt: skip
            await signer.json("GET", path)
        narrow = {"repositories": ["garden"], "permissions": {"issues": "read"}}
        await signer.json("POST", f"/app/installations/{place.installation}/access_tokens", narrow, status=201)
        number = (await signer.json("GET", "/app/hook/deliveries?per_page=1"))[0]["id"]
        await signer.json("GET", f"/app/hook/deliveries/{number}")
        await signer.json("POST", f"/app/hook/deliveries/{number}/attempts", status=202)
        await signer.json("PATCH", "/app/hook/config", {"url": place.inbox.url, "content_type": "json"})
    wanted = {"config": {"url": place.inbox.url + "?hook", "secret": "s" * 20}, "events": ["issues", "push", "status"]}
    hook = await place.alice.json("POST", f"{REPO}/hooks", wanted, status=201)
    await place.hub.idle()
    deliveries = await place.alice.json("GET", f"{REPO}/hooks/{hook['id']}/deliveries")
    for path in ("", f"/{hook['id']}", f"/{hook['id']}/deliveries/{deliveries[0]['id']}"):
        await place.alice.json("GET", f"{REPO}/hooks{path}")
    return hook


async def test_whole_story_has_the_shape_of_github(place, judge, faults, tmp_path):
    hook = await app_and_hooks(place)
    await repository_and_people(place)
    issue, _ = await issues_and_words(place)
    clone = await git.clone(place.bot, tmp_path / "clone")
    await pull_and_checks(place, judge, issue, clone)
    place.hub.add_repository("alice", "meadow", files={"a": "b"})
    place.hub.install("gardener", ["alice/meadow"])
    await place.alice.json("DELETE", f"{REPO}/hooks/{hook['id']}", status=204)
    await place.hub.idle()
    for event, _, body in place.inbox.received:
        faults += judge.webhook(event, json.loads(body))
    faults = [fault for fault in faults if not fault.startswith(CONTRADICTION)]
    assert not faults, "\n".join(sorted(set(faults)))
    for name in ("issues$closed", "issue_comment$edited", "pull_request$closed", "pull_request_review$submitted",
                 "pull_request_review_comment$created", "pull_request_review_thread$resolved", "check_run$completed",
                 "check_run$requested_action", "check_suite$requested", "check_suite$completed", "status$event",
                 "push$event", "ping$event", "installation$created", "installation_repositories$added",
                 "label$created"):  # fmt: skip
        assert name in judge.seen
