"""What sessions ask of GitHub directly."""

from base64 import b64decode

import httpx
import pytest

from bot.github.forge import GitHubForge
from bot.github.gh_reads import allowed_read
from runtime.errors import ForgeBusy, NotAllowed
from runtime.redact import Redactor

PULL = {
    "number": 7, "html_url": "https://x/7", "title": "Add it", "state": "open", "draft": False, "body": "text",
    "head": {"ref": "ao/app-1", "sha": "abc"}, "base": {"ref": "main"}, "updated_at": "2027-01-15T08:00:00Z",
    "merged_at": None, "merge_commit_sha": "trial", "mergeable": None,
}  # fmt: skip
LOG = "".join(f"2027-01-15T08:00:00.1234567Z \x1b[31mline {n}\x1b[0m\r\n" for n in range(500))


def comment(number, review, **more):
    values = {
        "id": number, "pull_request_review_id": review, "path": "a.py", "line": 3, "side": "RIGHT", "body": "why?",
        "diff_hunk": "@@", "user": {"login": "bob"}, "html_url": "https://x/c",
    }  # fmt: skip
    return values | more


@pytest.fixture
def forge(hub):
    return GitHubForge(hub, redact=Redactor())


async def test_git_gets_a_clean_address_and_a_header(forge):
    remote = await forge.remote("o/r")
    assert remote.url == "https://github.com/o/r.git"
    assert b64decode(remote.header.removeprefix("Authorization: Basic ")) == b"x-access-token:ghp_test"
    assert remote.header not in repr(remote)
    assert forge.clone_url("o/r") == remote.url


async def test_an_open_pull_request_has_no_merge_commit(forge, api):
    api.get("/repos/o/r/pulls/7").respond(json=PULL)
    pull = await forge.pull_request("o/r", 7)
    assert (pull.state, pull.merge_sha, pull.merged_by, pull.at) == ("open", "", "", 1_800_000_000.0)


async def test_a_merged_pull_request_says_by_whom(forge, api):
    merged = {"state": "closed", "merged_at": "2027-01-15T08:00:00Z", "merged_by": {"login": "bob"}}
    api.get("/repos/o/r/pulls/7").respond(json=PULL | merged)
    pull = await forge.pull_request("o/r", 7)
    assert (pull.state, pull.merge_sha, pull.merged_by) == ("merged", "trial", "bob")


async def test_a_reviews_comments_come_oldest_first_with_their_thread(forge, api):
    mine = [comment(12, 5, in_reply_to_id=3, line=None, user=None), comment(11, 5)]
    api.get("/repos/o/r/pulls/7/comments").respond(json=[*mine, comment(10, 4)])
    first, second = await forge.review_comments("o/r", 7, 5)
    assert (first.id, first.thread, first.author, first.line) == (11, 11, "bob", 3)
    assert (second.id, second.thread, second.author, second.line) == (12, 3, "ghost", None)


async def test_a_failed_log_is_the_annotations_and_the_clean_end(forge, api, respx_mock):
    api.get("/repos/o/r/check-runs/9/annotations").respond(
        json=[{"path": "a.py", "start_line": 3, "message": "bro\x1b[1mken"}]
    )
    api.get("/repos/o/r/actions/jobs/9/logs").respond(302, headers={"location": "https://blobs.example/9"})
    respx_mock.get("https://blobs.example/9").respond(text=LOG)
    text = await forge.failed_log("o/r", 9)
    lines = text.splitlines()
    assert lines[:3] == ["a.py:3: broken", "", "line 380"]
    assert (lines[-1], len(lines)) == ("line 499", 122)


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_log_that_cannot_be_had_is_empty(forge, api, status):
    api.get("/repos/o/r/check-runs/9/annotations").respond(status)
    api.get("/repos/o/r/actions/jobs/9/logs").respond(status)
    assert await forge.failed_log("o/r", 9) == ""


async def test_a_log_is_asked_for_again_while_github_is_busy(forge, api):
    api.get("/repos/o/r/check-runs/9/annotations").respond(json=[])
    api.get("/repos/o/r/actions/jobs/9/logs").mock(side_effect=[httpx.Response(500)] * 4)
    with pytest.raises(ForgeBusy):
        await forge.failed_log("o/r", 9)


async def test_the_default_branch_is_githubs(forge, api):
    api.get("/repos/o/r").respond(json={"default_branch": "trunk"})
    assert await forge.default_branch("o/r") == "trunk"


@pytest.mark.parametrize(
    ("now", "after"),
    [("text", "new [redacted]"), ("x\n\n<!-- ao:pull_request:k -->", "new [redacted]\n\n<!-- ao:pull_request:k -->")],
)
async def test_an_edited_pull_request_keeps_its_marker(forge, api, now, after):
    api.get("/repos/o/r/pulls/7").respond(json=PULL | {"body": now})
    route = api.patch("/repos/o/r/pulls/7").respond(json=PULL)
    await forge.edit_pull_request("o/r", 7, body="new ghp_" + "x1" * 20)
    assert httpx.Response(200, content=route.calls.last.request.content).json() == {"body": after}


async def test_a_title_is_changed_without_reading_the_text(forge, api):
    route = api.patch("/repos/o/r/pulls/7").respond(json=PULL)
    await forge.edit_pull_request("o/r", 7, title="Better")
    assert route.calls.last.request.content == b'{"title": "Better"}'
    await forge.edit_pull_request("o/r", 7)
    assert route.call_count == 1


async def test_the_shim_reads_its_own_repository(forge, api):
    api.get("/repos/o/r/pulls/7/files", params={"per_page": "100"}).respond(json=[1])
    assert await forge.gh_read("o/r", "repos/{owner}/{repo}/pulls/7/files?per_page=100") == [1]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/repos/o/r", "/repos/o/r"),
        ("repos/o/r/", "/repos/o/r"),
        ("repos/o/r/issues/1/comments", "/repos/o/r/issues/1/comments"),
        ("repos/o/r/contents/src/a.py?ref=main", "/repos/o/r/contents/src/a.py?ref=main"),
        ("repos/o/r/compare/main...ao/app-1", "/repos/o/r/compare/main...ao/app-1"),
        ("repos/o/r/commits/abc/check-runs", "/repos/o/r/commits/abc/check-runs"),
    ],
)
def test_reads_of_the_own_repository_are_allowed(path, asked):
    assert allowed_read("o/r", path) == asked


@pytest.mark.parametrize(
    "path",
    [
        "", "user", "/", "repos/o/other", "repos/o/r2/issues", "repos/o/r/../other", "repos/o/r/contents/../../../user",
        "repos/o/r/collaborators", "repos/o/r/hooks", "repos/o/r/actions/secrets", "repos/o/r/keys",
        "https://evil.example/repos/o/r", "repos/o/r/issues/{x}", "repos/o/r/issues/1#x", "repos/o/r/issues/%2e%2e",
        "repos/o/r/issues?a=b&c={d}", "repos/o/r/actions/jobs/1/logs", "graphql", "repos/o/r/contents/a b",
        "repos/o/r/issues\r\nX: y",
    ],
)  # fmt: skip
def test_all_other_reads_are_refused_with_what_is_possible(path):
    with pytest.raises(NotAllowed, match="gh api"):
        allowed_read("o/r", path)
