"""The main job as GitHub plays its part in it."""

import base64

from tests.demo_github import git
from tests.demo_github.place import REPO


async def test_issue_becomes_a_merged_pull_request(place, tmp_path):
    issue = await place.bob.json("POST", f"{REPO}/issues", {"title": "Greet", "labels": ["agent"]}, status=201)
    clone = await git.clone(place.bot, tmp_path / "clone")
    await git.push(clone, "ao/g-1", {"app.py": "changed\n"}, "Greet")
    body = {"title": "Greet", "head": "ao/g-1", "base": "main", "body": f"Closes #{issue['number']}"}
    pull = await place.bot.json("POST", f"{REPO}/pulls", body, status=201)
    await place.hub.idle()
    runs = await place.bot.json("GET", f"{REPO}/commits/{pull['head']['sha']}/check-runs")
    assert [run["conclusion"] for run in runs["check_runs"]] == ["failure"]
    log = await place.bot.get(f"{REPO}/actions/jobs/{runs['check_runs'][0]['id']}/logs")
    assert log.status_code == 302
    assert "there is no greeting" in (await place.anyone.get(log.headers["location"])).text

    sha = await git.push(clone, "ao/g-1", {"greeting.txt": "hello\n"}, "Say hello")
    await place.hub.idle()
    review = {
        "event": "REQUEST_CHANGES",
        "body": "Almost",
        "comments": [{"path": "greeting.txt", "line": 1, "body": "Louder"}],
    }
    given = await place.alice.json("POST", f"{REPO}/pulls/{pull['number']}/reviews", review, status=200)
    said = await place.alice.json("GET", f"{REPO}/pulls/{pull['number']}/reviews/{given['id']}/comments")
    answer = {"body": "Done"}
    await place.bot.json("POST", f"{REPO}/pulls/{pull['number']}/comments/{said[0]['id']}/replies", answer, status=201)
    await place.alice.json("PUT", f"{REPO}/pulls/{pull['number']}/merge", {"sha": sha}, status=200)
    await place.hub.idle()

    assert (await place.bob.json("GET", f"{REPO}/issues/{issue['number']}"))["state"] == "closed"
    names = place.inbox.names()
    for name in ("ping", "installation.created", "issues.opened", "issues.labeled", "push", "pull_request.opened",
                 "check_suite.requested", "check_run.created", "check_run.completed", "check_suite.completed",
                 "pull_request.synchronize", "pull_request_review.submitted", "pull_request_review_comment.created",
                 "pull_request.closed", "issues.closed"):  # fmt: skip
        assert name in names, f"{name} is missing in {names}"
    assert place.inbox.payloads("pull_request.closed")[0]["pull_request"]["merged"] is True
    contents = await place.anyone.json("GET", f"{REPO}/contents/greeting.txt")
    assert base64.b64decode(contents["content"]) == b"hello\n"
