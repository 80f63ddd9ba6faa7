"""What every REST answer has in common, and the rules that the bot leans on."""

import asyncio
import time

import httpx
import pytest

from bot.demo.github import LocalGitHub
from tests.demo_github.place import REPO


async def test_list_is_paged_by_links_that_lead_on(place):
    for number in range(3):
        await place.bob.json("POST", f"{REPO}/issues", {"title": f"{number}"})
    answer = await place.bob.get(f"{REPO}/issues?per_page=2")
    assert "/repositories/" in answer.links["next"]["url"]
    rest = await place.bob.get(answer.links["next"]["url"])
    assert [issue["title"] for issue in answer.json() + rest.json()] == ["2", "1", "0"]


async def test_assignees_who_may_not_triage_are_left_out_without_a_word(place):
    issue = await place.bob.json("POST", f"{REPO}/issues", {"title": "one"})
    where = f"{REPO}/issues/{issue['number']}/assignees"
    made = await place.bob.json("POST", where, {"assignees": ["Alice", "eve", "nobody"]})
    assert [one["login"] for one in made["assignees"]] == ["alice"]
    again = await place.bob.json("POST", where, {"assignees": ["bob"]})
    assert [one["login"] for one in again["assignees"]] == ["alice", "bob"]
    assert (await place.eve.post(where, json={"assignees": ["bob"]})).status_code == 403


async def test_unchanged_answer_is_304_and_free(place):
    first = await place.bob.get(REPO)
    again = await place.bob.get(REPO, headers={"If-None-Match": first.headers["etag"]})
    other = await place.alice.get(REPO, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, other.status_code) == (304, 200)
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"User-Agent": ""}, 403),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"X-GitHub-Api-Version": "1999-01-01"}, 400),
        ({"X-GitHub-Api-Version": "2022-11-28"}, 200),
    ],
)
async def test_headers_are_checked_first(place, headers, status):
    answer = await place.bob.get(REPO, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("content", "status"), [("{", 400), ("3", 400), ('{"title": 3}', 422), ("{}", 422), ('{"title": ""}', 422)]
)
async def test_bad_body_is_refused(place, content, status):
    answer = await place.bob.post(f"{REPO}/issues", content=content)
    assert answer.status_code == status
    assert answer.json()["documentation_url"]


async def test_rest_is_also_under_the_enterprise_prefix(place):
    assert (await place.bob.json("GET", f"/api/v3{REPO}"))["full_name"] == "alice/garden"
    assert "current_user_url" in await place.bob.json("GET", "/api/v3")


@pytest.mark.parametrize(
    ("role", "permission"),
    [("admin", "admin"), ("maintain", "write"), ("write", "write"), ("triage", "read"), ("read", "read"),
     ("none", "none")],
)  # fmt: skip
async def test_permission_maps_roles_to_the_old_words(place, role, permission):
    place.hub.set_role("alice/garden", "eve", role)
    answer = await place.bot.json("GET", f"{REPO}/collaborators/eve/permission")
    assert (answer["permission"], answer["role_name"]) == (permission, role)


async def test_permission_of_an_unknown_user_is_404(place):
    await place.bot.json("GET", f"{REPO}/collaborators/nobody/permission", status=404)


@pytest.mark.parametrize(
    ("settings", "status", "header"),
    [
        ({"kind": "error", "status": 503}, 503, None),
        ({"kind": "secondary", "seconds": 7}, 403, ("retry-after", "7")),
        ({"kind": "too_many", "seconds": 3}, 429, ("retry-after", "3")),
        ({"kind": "exhausted"}, 403, ("x-ratelimit-remaining", "0")),
    ],
)
async def test_requests_fail_as_told_and_then_work(place, settings, status, header):
    await place.alice.json("POST", "/_local/faults", {**settings, "times": 2, "method": "GET", "match": "garden$"})
    answers = [await place.bob.get(REPO) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert header is None or answers[0].headers[header[0]] == header[1]


async def test_answer_can_be_lost_after_the_work_was_done(place):
    place.hub.faults.add("error", match="/issues$", after=True)
    await place.bob.json("POST", f"{REPO}/issues", {"title": "done"}, status=502)
    assert [issue["title"] for issue in await place.bob.json("GET", f"{REPO}/issues")] == ["done"]


async def test_slow_request_takes_its_time(place):
    place.hub.faults.add("slow", seconds=0.2)
    began = time.monotonic()
    await place.bob.json("GET", REPO)
    assert time.monotonic() - began >= 0.2


async def test_unknown_fault_says_what_there_is(place):
    answer = await place.bob.json("POST", "/_local/faults", {"kind": "fire"}, status=400)
    assert "use one of error" in answer["message"]


async def test_requests_are_counted_by_actor(place):
    await place.bot.json("GET", REPO)
    await place.bot.json("DELETE", "/_local/requests")
    await place.bot.json("GET", REPO)
    await place.bob.json("GET", f"{REPO}/nothing", status=404)
    assert await place.bob.json("GET", "/_local/counts") == {"gardener[bot]": 1, "anonymous": 1}
    seen = await place.bob.json("GET", "/_local/requests")
    assert [(one["method"], one["path"], one["status"]) for one in seen] == [
        ("GET", REPO, 200),
        ("GET", f"{REPO}/nothing", 404),
    ]


async def test_person_sets_up_everything_by_curl(place):
    await place.anyone.json("POST", "/_local/users", {"login": "dora"}, status=201)
    body = {"owner": "dora", "name": "pond", "files": {"a.txt": "b"}}
    await place.anyone.json("POST", "/_local/repositories", body, status=201)
    await place.anyone.json("POST", "/_local/roles", {"repository": "dora/pond", "login": "eve", "role": "triage"})
    body = {"account": "dora", "repositories": ["pond"]}
    await place.anyone.json("POST", "/_local/apps/gardener/installations", body, status=201)
    await place.anyone.json("POST", "/_local/idle")
    installed = [one for one in await place.anyone.json("GET", "/_local/deliveries") if one["event"] == "installation"]
    assert len(installed) == 2


async def test_reaction_is_created_once(place):
    await place.bob.json("POST", f"{REPO}/issues", {"title": "x"})
    for status in (201, 200):
        await place.bob.json("POST", f"{REPO}/issues/1/reactions", {"content": "eyes"}, status=status)
    assert len(await place.bob.json("GET", f"{REPO}/issues/1/reactions")) == 1
    await place.bob.json("POST", f"{REPO}/issues/1/reactions", {"content": "shrug"}, status=422)


async def test_comment_is_edited_by_its_author_and_by_writers_only(place):
    await place.bob.json("POST", f"{REPO}/issues", {"title": "x"})
    said = await place.bob.json("POST", f"{REPO}/issues/1/comments", {"body": "mine"}, status=201)
    await place.eve.json("PATCH", f"{REPO}/issues/comments/{said['id']}", {"body": "hers"}, status=403)
    await place.bob.json("PATCH", f"{REPO}/issues/comments/{said['id']}", {"body": "still mine"}, status=200)
    await place.bob.json("POST", f"{REPO}/issues/1/comments", {"body": "x" * 65_537}, status=422)


async def test_taken_port_says_what_to_do(place, tmp_path):
    port = place.anyone.base_url.port
    with pytest.raises(OSError, match=f"port {port} cannot be used .*: choose another one, or 0"):
        await LocalGitHub(tmp_path / "second").start(port=port)


async def test_request_in_the_air_does_not_hold_up_the_stop(place):
    place.hub.faults.add("slow", seconds=60)
    asking = asyncio.create_task(place.bob.get(REPO))
    while not place.hub.faults.active[0].struck:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        await place.hub.stop()
    with pytest.raises(httpx.HTTPError):
        await asking
