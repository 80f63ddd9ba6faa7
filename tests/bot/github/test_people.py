"""Whose words count, and who is meant."""

import pytest

from bot.github.identity import Identity
from bot.github.people import People
from bot.github.permissions import Permissions


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
    identity = Identity(hub, store)
    people = People(Permissions(hub), identity)
    assert not people.is_mentioned(body)
    await identity.me()
    assert people.is_mentioned(body) is meant


async def test_permission_and_identity_are_asked_as_one(api, hub, store):
    api.get("/user").respond(200, json={"login": "machine", "id": 5})
    api.get("/repos/o/r/collaborators/bob/permission").respond(200, json={"permission": "read"})
    identity = Identity(hub, store)
    people = People(Permissions(hub), identity)
    await identity.me()
    assert not await people.may_write("o/r", "bob")
    assert not people.is_own("bob", "Hi")
