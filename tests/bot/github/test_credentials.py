"""What a request proves itself with."""

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.github.credentials import AppAuth
from bot.github.hub import Hub
from bot.github.roots import Roots
from runtime.errors import ConfigError, ForgeBusy, ForgeRefused, GoneFromForge
from tests.bot.github.wire import late

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
NEW_STYLE = "ghs_12345_" + "x" * 200 + "." + "y" * 250 + "." + "z" * 50


def claims_of(header):
    return jwt.decode(
        header.removeprefix("bearer "), KEY.public_key(), ["RS256"], options={"verify_exp": False, "verify_iat": False}
    )


def granting(time, tokens):
    """Answers that hand out these tokens, each for an hour."""

    def grant(_request):
        until = datetime.fromtimestamp(time() + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return httpx.Response(201, json={"token": next(tokens), "expires_at": until})

    return grant


@pytest.fixture
def app_hub(wire, time):
    hub = Hub(Roots.of(), AppAuth("77", PEM, clock=time), wire, clock=time, sleep=time.sleep)
    hub.remember("o/r", 5)
    return hub


async def test_the_apps_jwt_is_backdated_and_short(time):
    claims = claims_of(await AppAuth("77", PEM, clock=time).header())
    assert claims == {"iss": "77", "iat": time() - 60, "exp": time() + 480}


async def test_the_apps_jwt_is_kept_for_seven_minutes(time):
    auth = AppAuth("77", PEM, clock=time)
    first = await auth.header()
    time.now += 419
    assert await auth.header() == first
    time.now += 2
    assert await auth.header() != first


@pytest.mark.parametrize("skew", [-90, 90])
async def test_a_refused_jwt_is_signed_again_by_githubs_clock(app_hub, api, time, skew):
    true = time() - skew
    seen = []

    def answer(request):
        claims = claims_of(request.headers["authorization"])
        seen.append(claims)
        good = claims["iat"] <= true < claims["exp"]
        return httpx.Response(
            200 if good and len(seen) > 1 else 401,
            json={"slug": "x"},
            headers={"date": format_datetime(datetime.fromtimestamp(true, UTC), usegmt=True)},
        )

    api.get("/app").mock(side_effect=answer)
    assert (await app_hub.own.getitem("/app"))["slug"] == "x"
    assert seen[-1]["iat"] == true - 60


async def test_a_key_that_is_none_names_the_setting(time):
    with pytest.raises(ConfigError, match="AO_GITHUB_PRIVATE_KEY_FILE"):
        await AppAuth("77", "not a key", clock=time).header()


async def test_a_hundred_callers_share_one_token(app_hub, api, time):
    grants = api.post("/app/installations/5/access_tokens").mock(side_effect=late(granting(time, iter([NEW_STYLE]))))
    asked = api.get("/repos/o/r").respond(json={})
    client = await app_hub.of("o/r")
    await asyncio.gather(*(client.getitem("/repos/o/r") for _ in range(100)))
    assert grants.call_count == 1
    assert {call.request.headers["authorization"] for call in asked.calls} == {f"token {NEW_STYLE}"}


async def test_a_token_is_renewed_five_minutes_early(app_hub, api, time):
    grants = api.post("/app/installations/5/access_tokens").mock(side_effect=granting(time, iter("abc")))
    client = await app_hub.of("o/r")
    assert await client.terms.credentials.secret() == "a"
    time.now += 3299
    assert await client.terms.credentials.secret() == "a"
    time.now += 2
    assert await client.terms.credentials.secret() == "b"
    assert grants.call_count == 2


@pytest.mark.parametrize("method", ["getitem", "post"])
async def test_a_refused_token_is_dropped_and_the_request_made_once_more(app_hub, api, time, method):
    api.post("/app/installations/5/access_tokens").mock(side_effect=granting(time, iter("ab")))
    asked = api.route(path="/x").mock(side_effect=[httpx.Response(401), httpx.Response(200, json={})])
    client = await app_hub.of("o/r")
    await (client.getitem("/x") if method == "getitem" else client.post("/x", data={}))
    assert [call.request.headers["authorization"] for call in asked.calls] == ["token a", "token b"]


async def test_a_second_refusal_is_final(app_hub, api, time):
    api.post("/app/installations/5/access_tokens").mock(side_effect=granting(time, iter("abc")))
    asked = api.get("/x").respond(401)
    with pytest.raises(ForgeRefused):
        await (await app_hub.of("o/r")).getitem("/x")
    assert asked.call_count == 2


async def test_an_unknown_repositorys_installation_is_looked_up_once(app_hub, api):
    found = api.get("/repos/o/other/installation").mock(side_effect=late(httpx.Response(200, json={"id": 5})))
    clients = await asyncio.gather(*(app_hub.of("o/other") for _ in range(10)), app_hub.of("O/R"))
    assert len(set(map(id, clients))) == 1
    assert found.call_count == 1
    assert found.calls.last.request.headers["authorization"].startswith("bearer ")


async def test_a_repository_without_the_app_says_what_to_do(app_hub, api):
    api.get("/repos/o/other/installation").respond(404)
    with pytest.raises(GoneFromForge, match="install it"):
        await app_hub.of("o/other")


async def test_an_app_that_was_uninstalled_is_looked_up_again(app_hub, api, time):
    api.post("/app/installations/5/access_tokens").respond(404)
    with pytest.raises(GoneFromForge):
        await (await app_hub.of("o/r")).getitem("/x")
    found = api.get("/repos/o/r/installation").respond(json={"id": 6})
    await app_hub.of("o/r")
    assert found.called


async def test_installations_pause_apart(app_hub, api, time):
    app_hub.remember("p/q", 6)
    for number in (5, 6):
        api.post(f"/app/installations/{number}/access_tokens").mock(side_effect=granting(time, iter("abc")))
    api.get("/limited").respond(429, headers={"retry-after": "500"})
    api.get("/free").respond(json={})
    limited, free = await app_hub.of("o/r"), await app_hub.of("p/q")
    with pytest.raises(ForgeBusy):
        await limited.getitem("/limited")
    assert await free.getitem("/free") == {}
    assert not time.slept


async def test_a_personal_token_serves_every_repository(hub, api):
    assert await hub.of("o/r") is await hub.of("p/q") is hub.own
    assert await hub.own.terms.credentials.secret() == "ghp_test"
