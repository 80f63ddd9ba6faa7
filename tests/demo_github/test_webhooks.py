"""Webhooks: signatures, order, troubles, redelivery."""

import asyncio
import hashlib
import hmac
import time

import pytest

from tests.demo_github.place import REPO, Person
from tests.waiting import until


async def open_issues(place, *titles):
    """Open issues and wait for their webhooks."""
    for title in titles:
        await place.bob.json("POST", f"{REPO}/issues", {"title": title}, status=201)
    await place.hub.idle()


def titles(place):
    """The issues' titles in the order of arrival."""
    return [payload["issue"]["title"] for payload in place.inbox.payloads("issues.opened")]


async def test_delivery_is_signed_and_names_its_hook(place):
    await open_issues(place, "Häuser")
    _, headers, body = place.inbox.received[-1]
    secret = place.app["webhook_secret"].encode()
    assert headers["x-hub-signature-256"] == "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature"] == "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()
    assert headers["x-github-hook-installation-target-type"] == "integration"
    assert headers["x-github-hook-installation-target-id"] == str(place.app["id"])
    assert headers["user-agent"].startswith("GitHub-Hookshot/")


async def test_labels_given_with_an_issue_are_announced_one_by_one(place):
    await place.bob.json("POST", f"{REPO}/issues", {"title": "x", "labels": ["a", "b"]})
    await place.hub.idle()
    issues = [name for name in place.inbox.names() if name.startswith("issues.")]
    assert issues == ["issues.opened", "issues.labeled", "issues.labeled"]


async def test_labels_of_people_below_triage_are_ignored(place):
    issue = await place.eve.json("POST", f"{REPO}/issues", {"title": "x", "labels": ["agent"]}, status=201)
    assert issue["labels"] == []
    await place.eve.json("POST", f"{REPO}/issues/{issue['number']}/labels", {"labels": ["agent"]}, status=403)


async def test_app_hears_only_what_it_asked_for(place):
    place.hub.world.apps["gardener"].events.remove("issues")
    await open_issues(place, "silent")
    assert titles(place) == []


@pytest.mark.parametrize(
    ("kind", "arrives"),
    [("drop", ["two", "three"]), ("repeat", ["one", "one", "two", "three"]), ("hold", ["two", "one", "three"])],
)
async def test_deliveries_are_dropped_repeated_and_swapped_on_request(place, kind, arrives):
    fault = place.hub.faults.add(kind, match="^issues.opened$", seconds=30)
    await open_issues(place, "one", "two", "three")
    assert titles(place) == arrives
    assert fault.struck == 1


async def test_held_delivery_is_sent_although_nothing_follows(place):
    place.hub.faults.add("hold", match="issues", seconds=0.05)
    await open_issues(place, "alone")
    assert titles(place) == ["alone"]


async def test_delayed_delivery_lets_others_pass(place, monkeypatch):
    async def pause(seconds):
        assert seconds == 0.3
        await until(lambda: titles(place))

    monkeypatch.setattr(place.hub.world.outgoing, "pause", pause)
    place.hub.faults.add("delay", match="issues", seconds=0.3)
    await open_issues(place, "one", "two")
    assert titles(place) == ["two", "one"]


async def test_delayed_delivery_takes_its_time(place):
    place.hub.faults.add("delay", match="issues", seconds=0.1)
    began = time.monotonic()
    await open_issues(place, "late")
    assert titles(place) == ["late"]
    assert time.monotonic() - began >= 0.1


async def test_failed_delivery_is_listed_and_delivered_again_with_its_guid(place):
    place.inbox.answer = 500
    await open_issues(place, "unheard")
    place.inbox.answer = 202
    async with Person(place.hub, place.app_jwt()) as signer:
        failed = await signer.json("GET", "/app/hook/deliveries?status=failure")
        assert [one["event"] for one in failed] == ["issues"]
        await signer.json("POST", f"/app/hook/deliveries/{failed[0]['id']}/attempts", status=202)
        await place.hub.idle()
        listed = await signer.json("GET", "/app/hook/deliveries?per_page=1")
        assert (listed[0]["guid"], listed[0]["redelivery"]) == (failed[0]["guid"], True)
        answer = await signer.get("/app/hook/deliveries?per_page=2")
        more = await signer.get(answer.links["next"]["url"])
        assert {one["id"] for one in more.json()}.isdisjoint({one["id"] for one in answer.json()})
    bodies = [body for _, headers, body in place.inbox.received if headers["x-github-delivery"] == failed[0]["guid"]]
    assert len(bodies) == 2
    assert len(set(bodies)) == 1


async def test_repository_hook_hears_without_an_installation(place):
    wanted = {"config": {"url": place.inbox.url + "?mine", "secret": "s" * 20}, "events": ["issues"]}
    hook = await place.alice.json("POST", f"{REPO}/hooks", wanted, status=201)
    await place.bob.json("POST", f"{REPO}/hooks", wanted, status=403)
    await open_issues(place, "both")
    payloads = place.inbox.payloads("issues.opened")
    assert sorted("installation" in payload for payload in payloads) == [False, True]
    listed = await place.alice.json("GET", f"{REPO}/hooks/{hook['id']}/deliveries")
    assert [one["event"] for one in listed] == ["issues", "ping"]


async def test_unreachable_receiver_fails_the_delivery_only(place):
    place.hub.world.apps["gardener"].hook.url = "http://127.0.0.1:9/none"
    async with asyncio.timeout(30):
        await open_issues(place, "lost")
    assert place.hub.deliveries[-1].status == "failed to connect to host"
