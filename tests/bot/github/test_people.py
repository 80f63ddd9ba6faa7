"""Whose words count, and who is meant."""

import asyncio

import httpx
import pytest

from bot.github.identity import Identity
from bot.github.people import People
from bot.github.permissions import Permissions
from runtime.errors import Retryable
from tests.bot.github.wire import late


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ("@machine please", True),
        ("Please, @Machine!", True),
        ("(@machine)", True),
        ("@machine-two please", False),
        ("me@machine", False),
        ("machine", False),
    ],
)
async def test_the_bot_is_named_by_its_login(api, hub, store, body, meant):
    api.get("/user").respond(200, json={"login": "machine", "id": 5})
    people = People(Permissions(hub), Identity(hub, store))
    assert await people.is_mentioned(body) is meant


async def test_permission_and_identity_are_asked_as_one(api, hub, store):
    api.get("/user").respond(200, json={"login": "machine", "id": 5})
    api.get("/repos/o/r/collaborators/bob/permission").respond(200, json={"permission": "read"})
    people = People(Permissions(hub), Identity(hub, store))
    assert not await people.may_write("o/r", "bob")
    assert not await people.is_own("bob", "Hi")


async def test_words_that_come_before_github_has_named_us_wait_for_the_name(api, hub, store):
    answer = httpx.Response(200, json={"login": "machine", "id": 5})
    api.get("/user").mock(side_effect=late(answer))
    identity = Identity(hub, store)
    people = People(Permissions(hub), identity)
    asking = asyncio.create_task(identity.resolve())
    meant, own = await asyncio.gather(people.is_mentioned("@machine please"), people.is_own("bob", "Hi"))
    await asking
    assert (meant, own, api.calls.call_count) == (True, False, 1)


@pytest.mark.parametrize("status", [500, 401])
async def test_words_wait_longer_while_github_cannot_name_us(api, hub, store, status):
    api.get("/user").respond(status, json={})
    people = People(Permissions(hub), Identity(hub, store))
    with pytest.raises(Retryable):
        await people.is_mentioned("@machine please")
