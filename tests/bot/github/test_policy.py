"""How GitHub is asked."""

import asyncio

import httpx
import pytest

from bot.github.answers import Limited, Uncertain
from bot.github.credentials import TokenAuth
from bot.github.meter import Meter
from bot.github.roots import Roots
from runtime.errors import ForgeBusy, ForgeRefused, GoneFromForge
from tests.bot.github.wire import API, terms

OK = httpx.Response(200, json={"ok": True})
BROKEN = httpx.Response(502, text="<html>", headers={"content-type": "application/json"})


async def test_each_request_says_who_asks_and_which_version(github, api):
    route = api.get("/x").respond(json={})
    await github.getitem("/x")
    sent = route.calls.last.request.headers
    assert sent["authorization"] == "token ghp_test"
    assert sent["x-github-api-version"] == "2022-11-28"
    assert sent["user-agent"] == "agent-orchestrator"


@pytest.mark.parametrize("method", ["getitem", "put", "delete"])
@pytest.mark.parametrize("trouble", [BROKEN, httpx.ConnectError("no"), httpx.ReadTimeout("slow")])
async def test_what_can_be_repeated_is_repeated_three_times(github, api, time, method, trouble):
    route = api.route(path="/x").mock(side_effect=[trouble, trouble, trouble, OK])
    await getattr(github, method)("/x")
    assert time.slept == [1.0, 4.0, 9.0]
    assert route.call_count == 4


async def test_repeats_end_with_busy(github, api, time):
    api.get("/x").mock(side_effect=[BROKEN] * 4)
    with pytest.raises(ForgeBusy):
        await github.getitem("/x")
    assert time.slept == [1.0, 4.0, 9.0]


@pytest.mark.parametrize("method", ["post", "patch"])
@pytest.mark.parametrize("trouble", [BROKEN, httpx.ReadError("lost")])
async def test_what_may_have_happened_is_not_repeated(github, api, time, method, trouble):
    route = api.route(path="/x").mock(side_effect=[trouble])
    with pytest.raises(Uncertain):
        await getattr(github, method)("/x", data={})
    assert route.call_count == 1
    assert not time.slept


@pytest.mark.parametrize("method", ["getitem", "post"])
async def test_a_limit_is_waited_for_and_any_method_tried_again(github, api, time, method):
    limit = httpx.Response(403, headers={"retry-after": "7"})
    api.route(path="/x").mock(side_effect=[limit, OK])
    await (github.getitem("/x") if method == "getitem" else github.post("/x", data={}))
    assert time.slept == [7.0]


async def test_a_limit_pauses_every_request_of_the_installation(github, api, time):
    api.get("/limited").mock(side_effect=[httpx.Response(429, headers={"retry-after": "300"}), OK])
    other = api.get("/other").mock(return_value=OK)
    with pytest.raises(ForgeBusy) as first:
        await github.getitem("/limited")
    with pytest.raises(ForgeBusy) as second:
        await github.getitem("/other")
    assert (first.value.after, second.value.after) == (300.0, 300.0)
    assert not other.called
    time.now += 300
    await github.getitem("/other")


async def test_no_request_leaves_inside_the_window(github, api, time):
    asked_at = []

    def answer(_request):
        asked_at.append(time())
        return httpx.Response(429, headers={"retry-after": "30"}) if len(asked_at) == 1 else OK

    api.get("/x").mock(side_effect=answer)
    await github.getitem("/x")
    await asyncio.gather(*(github.getitem("/x") for _ in range(20)))
    assert all(at - asked_at[0] >= 30 for at in asked_at[1:])


async def test_limits_without_end_are_given_back(github, api, time):
    api.get("/x").respond(429, headers={"retry-after": "5"})
    with pytest.raises(Limited) as raised:
        await github.getitem("/x")
    assert time.slept == [5.0, 5.0]
    assert raised.value.after == 5.0


async def test_an_exhausted_quota_is_not_asked_beyond(github, api, time):
    last = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time()) + 60)}
    api.get("/x").respond(json={}, headers=last)
    await github.getitem("/x")
    await github.getitem("/x")
    assert time.slept == [61.0]


async def test_at_most_ten_requests_are_in_flight(github, api):
    flying, most = 0, 0

    async def answer(_request):
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        flying -= 1
        return OK

    api.get("/x").mock(side_effect=answer)
    await asyncio.gather(*(github.getitem("/x") for _ in range(40)))
    assert most == 10


async def test_a_deadline_ends_a_try(wire, api, time):
    async def hang(_request):
        await asyncio.Event().wait()

    api.post("/x").mock(side_effect=hang)
    impatient = wire.connect(terms(time, TokenAuth("t"), timeout=0.01), Roots.of())
    with pytest.raises(Uncertain, match="did not answer POST /x"):
        await impatient.post("/x", data={})


@pytest.mark.parametrize("status", [404, 410, 451])
async def test_what_is_gone_says_so(github, api, status):
    api.get("/x").respond(status)
    with pytest.raises(GoneFromForge):
        await github.getitem("/x")


async def test_what_was_just_named_may_appear_late(github, api, time):
    api.get("/x").mock(side_effect=[httpx.Response(404), httpx.Response(404), OK])
    assert await github.eventually("/x") == {"ok": True}
    assert time.slept == [1.5, 3.5]


async def test_what_does_not_appear_is_gone(github, api):
    api.get("/x").respond(404)
    with pytest.raises(GoneFromForge):
        await github.eventually("/x")


@pytest.mark.parametrize("status", [400, 401, 403, 422])
async def test_other_refusals_carry_their_status(github, api, status):
    api.get("/x").respond(status, json={"message": "no"})
    with pytest.raises(ForgeRefused) as refused:
        await github.getitem("/x")
    assert refused.value.status == status


@pytest.mark.parametrize("content", [b"<html>", b'{"half":', b'"\xff"'])
async def test_an_unreadable_success_is_busy(github, api, content):
    api.get("/x").respond(200, content=content, headers={"content-type": "application/json"})
    with pytest.raises(Uncertain):
        await github.getitem("/x")


async def test_a_renamed_repository_is_followed_on_the_same_host(github, api):
    api.get("/repos/o/old").respond(301, headers={"location": f"{API}/repositories/7"})
    api.get("/repositories/7").respond(json={"id": 7})
    assert await github.getitem("/repos/o/old") == {"id": 7}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_our_credentials_are_redirected_to_nobody_else(github, api, respx_mock, status):
    api.get("/x").respond(status, headers={"location": "https://elsewhere.example/x"})
    with pytest.raises(ForgeRefused, match="redirected"):
        await github.getitem("/x")


async def test_redirects_in_a_circle_end(github, api):
    api.get("/x").respond(301, headers={"location": "/x"})
    with pytest.raises(ForgeRefused):
        await github.getitem("/x")


async def test_a_download_never_carries_the_token(github, api, respx_mock):
    api.get("/log").respond(302, headers={"location": "https://blobs.example/log?sig=1"})
    target = respx_mock.get("https://blobs.example/log").respond(content=b"0123456789")
    assert await github.end_of_download("/log", keep=4) == b"6789"
    assert "authorization" not in target.calls.last.request.headers


async def test_a_download_without_a_redirect_is_taken_as_it_is(github, api):
    api.get("/log").respond(content=b"0123456789")
    assert await github.end_of_download("/log", keep=4) == b"6789"


async def test_listings_are_followed_page_by_page(github, api):
    following = f'<{API}/repositories/7/things?page=2>; rel="next"'
    api.get("/things").respond(json={"things": [1, 2]}, headers={"link": following})
    api.get("/repositories/7/things").respond(json={"things": [3]})
    assert [n async for n in github.pages("/things", key="things")] == [1, 2, 3]
    assert [n async for n in github.pages("/things", key="things", most=1)] == [1, 2]


async def test_every_request_is_counted(wire, api, time):
    seen = []
    meter = Meter(lambda *call: seen.append(call))
    github = wire.connect(terms(time, TokenAuth("t"), meter=meter), Roots.of())
    answers = [httpx.ConnectError("no"), httpx.Response(200, json={}, headers={"x-ratelimit-remaining": "41"})]
    api.get("/x").mock(side_effect=answers)
    await github.getitem("/x")
    assert (meter.calls, meter.remaining) == (2, 41)
    assert seen == [("GET", "unreachable", None), ("GET", "200", 41)]
    assert meter.by["GET", "200"] == 1


async def test_a_query_keeps_what_github_may_show(github, api):
    route = api.post("/graphql").respond(json={"data": {"a": 1, "b": None}, "errors": [{"message": "not b"}]})
    assert await github.query("{ a b }", number=1) == {"a": 1, "b": None}
    assert route.calls.last.request.headers["authorization"] == "token ghp_test"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, json={"data": None, "errors": [{"message": "no"}]}), ForgeRefused),
        (httpx.Response(200, json={}), Uncertain),
        (httpx.Response(502, text="<html>"), Uncertain),
        (httpx.Response(200, content=b"{", headers={"content-type": "application/json"}), Uncertain),
    ],
)
async def test_a_query_that_fails_raises_our_errors(github, api, answer, error):
    api.post("/graphql").mock(return_value=answer)
    with pytest.raises(error):
        await github.query("{ a }")
