"""Whose words count."""

import asyncio

import httpx
import pytest

from bot.github.permissions import Permissions
from runtime.errors import ForgeRefused, Retryable
from tests.bot.github.wire import late

PATH = "/repos/o/r/collaborators/eve/permission"


@pytest.fixture
def permissions(hub, time):
    return Permissions(hub, clock=time)


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [("admin", True), ("maintain", True), ("write", True), ("triage", False), ("read", False), ("none", False)],
)
async def test_writers_may_and_others_may_not(permissions, api, permission, allowed):
    api.get(PATH).respond(json={"permission": permission})
    assert await permissions.may_write("o/r", "eve") is allowed


async def test_a_stranger_may_not(permissions, api):
    api.get(PATH).respond(404)
    assert not await permissions.may_write("o/r", "eve")


@pytest.mark.parametrize(("permission", "lasts"), [("write", 180), ("read", 60)])
async def test_an_answer_is_kept_for_minutes(permissions, api, time, permission, lasts):
    route = api.get(PATH).respond(json={"permission": permission})
    await permissions.may_write("o/r", "eve")
    time.now += lasts - 1
    await permissions.may_write("O/R", "Eve")
    assert route.call_count == 1
    time.now += 1
    await permissions.may_write("o/r", "eve")
    assert route.call_count == 2


async def test_an_answer_is_not_kept_longer_when_the_clock_is_set_back(permissions, api, time):
    route = api.get(PATH).respond(json={"permission": "write"})
    await permissions.may_write("o/r", "eve")
    time.now -= 7200
    await permissions.may_write("o/r", "eve")
    assert route.call_count == 2


async def test_old_answers_are_forgotten(permissions, api, time):
    api.get(url__regex=r".*/permission$").respond(json={"permission": "write"})
    for number in range(50):
        await permissions.may_write("o/r", f"person-{number}")
        time.now += 60
    assert len(permissions._known) <= 3
    assert len(permissions._asking) <= 3


async def test_many_at_once_ask_once(permissions, api):
    route = api.get(PATH).mock(side_effect=late(httpx.Response(200, json={"permission": "write"})))
    assert all(await asyncio.gather(*(permissions.may_write("o/r", "eve") for _ in range(50))))
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(500), Retryable),
        (httpx.ConnectError("no"), Retryable),
        (httpx.Response(429, headers={"retry-after": "900"}), Retryable),
        (httpx.Response(403, json={"message": "Resource not accessible"}), ForgeRefused),
    ],
)
async def test_no_answer_is_not_a_yes(permissions, api, time, answer, error):
    api.get(PATH).mock(side_effect=[answer] * 4)
    with pytest.raises(error):
        await permissions.may_write("o/r", "eve")
    time.now += 1000
    api.get(PATH).respond(json={"permission": "write"})
    assert await permissions.may_write("o/r", "eve")


async def test_a_login_cannot_change_the_path(permissions, api):
    route = api.get(url__regex=r".*/collaborators/[^/]*/permission$").respond(404)
    assert not await permissions.may_write("o/r", "a/../../o/other/x?y#z")
    assert route.calls.last.request.url.raw_path == (
        b"/repos/o/r/collaborators/a%2F..%2F..%2Fo%2Fother%2Fx%3Fy%23z/permission"
    )
