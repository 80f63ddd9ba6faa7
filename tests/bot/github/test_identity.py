"""Who the bot is."""

import asyncio

import httpx
import pytest

from bot.github.credentials import AppAuth
from bot.github.hub import Hub
from bot.github.identity import REPLIES, Identity
from bot.github.marker import marked, marker
from bot.github.people import People
from bot.github.permissions import Permissions
from bot.github.roots import Roots
from runtime.errors import ForgeBusy, ForgeRefused
from runtime.store import outbox
from tests.bot.github.test_credentials import PEM
from tests.bot.github.wire import late

MARKED = marked("Done.", marker("comment", "k"))


@pytest.fixture
def app(wire, time, store, api):
    api.get("/app").respond(json={"id": 77, "slug": "gardener"})
    hub = Hub(Roots.of(), AppAuth("77", PEM, clock=time), wire, clock=time, sleep=time.sleep)
    return Identity(hub, store, sleep=time.sleep)


@pytest.fixture
def person(hub, store, api, time):
    api.get("/user").respond(json={"id": 9, "login": "alice"})
    return Identity(hub, store, sleep=time.sleep)


async def test_an_app_is_recognised_as_sender(app):
    me = await app.me()
    assert (me.login, me.mention) == ("gardener[bot]", "gardener")
    assert app.is_own("Gardener[bot]")
    assert not app.is_own("gardener", MARKED, user_id=1)
    assert not app.is_own("dependabot[bot]")


async def test_an_app_that_is_renamed_is_recognised_by_its_id(app):
    await app.me()
    assert not app.is_own("renamed[bot]", user_id=4711)
    assert app.is_own("gardener[bot]", user_id=4711)
    assert app.is_own("gardener[bot]")
    assert app.is_own("renamed[bot]", user_id=4711)


async def test_a_tokens_owner_is_not_taken_for_the_bot(person, store):
    await person.me()
    assert not person.is_own("alice", "please add a test")
    assert person.is_own("alice", MARKED)
    assert not person.is_own("mallory", MARKED)
    assert not person.is_own("alice", f"> {MARKED}\n\nwhat is this?")


async def test_a_tokens_writes_are_recognised_by_their_id(person, store):
    await person.me()
    await store.write(lambda tx: outbox.enqueue(tx, key="k", kind="comment", repo="o/r", payload={}))
    [row] = store.read(outbox.unsent)
    await store.write(lambda tx: outbox.sent(tx, row, remote_id="12", result={}))
    assert person.is_own("alice", "Done.", repo="o/r", remote_id=12)
    assert not person.is_own("alice", "Done.", repo="o/r", remote_id=13)
    assert not person.is_own("alice", "Done.", repo="o/other", remote_id=12)
    assert not person.is_own("alice", "Done.", repo="o/r", remote_id=12, kinds=REPLIES)


async def test_github_is_asked_once(person, api):
    api.get("/user").mock(side_effect=late(httpx.Response(200, json={"id": 9, "login": "alice"})))
    await asyncio.gather(*(person.me() for _ in range(20)))
    assert api.calls.call_count == 1


async def test_nothing_is_judged_before_we_know_our_name(person):
    with pytest.raises(ForgeBusy):
        person.is_own("alice")


async def test_we_go_on_asking_while_github_is_busy(person, api, time):
    broken = [httpx.Response(500)] * 4
    api.get("/user").mock(side_effect=[*broken, *broken, httpx.Response(200, json={"id": 9, "login": "alice"})])
    await person.resolve()
    assert (await person.me()).login == "alice"


async def test_a_service_that_is_refused_says_so_and_asks_again(person, api, caplog):
    refused, known = httpx.Response(401, json={"message": "Bad credentials"}), {"id": 9, "login": "alice"}
    api.get("/user").mock(side_effect=[refused, httpx.Response(200, json=known)])
    await person.resolve()
    assert (await person.me()).login == "alice"
    assert "GitHub refuses who we say we are; deliveries wait until that is mended, see: ao doctor" in caplog.messages


async def test_a_refused_token_is_said_at_once(person, api):
    api.get("/user").respond(401, json={"message": "Bad credentials"})
    with pytest.raises(ForgeRefused, match="Bad credentials"):
        await person.me()


async def test_stories_ask_one_port(person, hub, time, api):
    api.get("/repos/o/r/collaborators/alice/permission").respond(json={"permission": "write"})
    people = People(Permissions(hub, clock=time), person)
    assert await people.may_write("o/r", "alice")
    assert await people.is_own("alice", MARKED)


@pytest.mark.parametrize(
    ("login", "trusted"), [("gardener[bot]", True), ("alice", True), ("bob", False), ("helper[bot]", False)]
)
async def test_words_of_the_own_app_and_of_writers_are_trusted_and_no_other_bots(api, hub, app, login, trusted):
    for who, role in (("alice", "write"), ("bob", "read"), ("helper%5Bbot%5D", "write")):
        api.get(f"/repos/o/r/collaborators/{who}/permission").respond(200, json={"permission": role})
    people = People(Permissions(hub), app)
    assert await people.trusts("o/r", login) is trusted
