"""The public door."""

import asyncio
import hmac
import json
import logging
import random
import uuid

import httpx
import pytest
import sqlalchemy as sa

from bot import receiver as door
from bot.public import public_app
from bot.receiver import Receiver
from bot.signature import Secrets
from runtime.errors import StoreBusy
from runtime.store.deliveries import listing
from runtime.store.journal import TOPIC, Journal
from runtime.store.store import Store

SECRET = b"a secret of the tests"
OPENED = {"action": "opened", "issue": {"number": 1}, "repository": {"full_name": "o/r"}}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "ao.db")
    yield store
    store.close()


@pytest.fixture
def receiver(store):
    def wanted(event, action):
        return (event, action) in {("issues", "opened"), ("pull_request", "closed"), ("ping", None)}

    return Receiver(Journal(store), Secrets([SECRET, b"the secret that comes next"]), wanted)


@pytest.fixture
async def client(receiver):
    transport = httpx.ASGITransport(public_app(receiver))
    async with httpx.AsyncClient(transport=transport, base_url="http://ao") as client:
        yield client


def signed(body, secret=SECRET, **change):
    headers = {
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "Content-Type": "application/json",
        "X-Hub-Signature-256": "sha256=" + hmac.digest(secret, body, "sha256").hex(),
    }
    headers |= {name.replace("_", "-"): value for name, value in change.items()}
    return {"content": body, "headers": {name: value for name, value in headers.items() if value is not None}}


def payload(**change):
    return json.dumps({**OPENED, "nonce": str(uuid.uuid4()), **change}).encode()


async def test_wanted_delivery_is_on_disk_before_the_answer(client, store):
    news = store.topic(TOPIC)
    body = payload()
    answer = await client.post("/webhook", **signed(body, X_GitHub_Delivery="guid-1"))
    assert (answer.status_code, answer.text) == (202, "")
    row = store.rows(sa.text("SELECT guid, event, action, body, state FROM deliveries"))[0]
    assert tuple(row) == ("guid-1", "issues", "opened", body, "queued")
    assert news.is_set()


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("issues", payload(action="frobnicated")),
        ("no_such_event", payload()),
        ("star", payload(action=None)),
    ],
)
async def test_delivery_nobody_handles_is_stored_as_ignored(client, store, event, body):
    answer = await client.post("/webhook", **signed(body, X_GitHub_Event=event))
    assert (answer.status_code, listing(store)[0].state) == (202, "ignored")


async def test_ping_is_answered_with_200_and_stored(client, store):
    body = json.dumps({"zen": "Keep it simple.", "hook_id": 1, "hook": {}}).encode()
    answer = await client.post("/webhook", **signed(body, X_GitHub_Event="ping"))
    assert (answer.status_code, listing(store)[0].event) == (200, "ping")


async def test_fifty_copies_at_once_are_stored_once(client, store):
    request = signed(payload())
    answers = await asyncio.gather(*(client.post("/webhook", **request) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [202]
    assert len(listing(store)) == 1


@pytest.mark.parametrize("change", [{"X_GitHub_Delivery": "another"}, {"X_GitHub_Event": "star"}])
async def test_replay_under_another_id_or_event_is_not_run_but_recorded(client, store, change):
    body = payload()
    await client.post("/webhook", **signed(body))
    answer = await client.post("/webhook", **signed(body, **change))
    assert (answer.status_code, answer.text) == (200, "replay")
    assert len(listing(store)) == 1
    assert store.rows(sa.text("SELECT kind FROM records"))[0].kind == "replay_suspect"


@pytest.mark.parametrize(
    ("code", "change"),
    [
        (403, {"X_Hub_Signature_256": None}),
        (403, {"X_Hub_Signature_256": "sha256=" + "0" * 64}),
        (403, {"X_Hub_Signature_256": "sha256=é".encode()}),
        (400, {"X_GitHub_Event": None}),
        (400, {"X_GitHub_Event": "Issues; drop"}),
        (400, {"X_GitHub_Delivery": None}),
        (400, {"X_GitHub_Delivery": "x" * 101}),
        (415, {"Content_Type": None}),
        (415, {"Content_Type": "application/x-www-form-urlencoded"}),
    ],
)
async def test_request_with_wrong_headers_is_refused_and_not_stored(client, store, code, change):
    answer = await client.post("/webhook", **signed(payload(), **change))
    assert (answer.status_code, listing(store)) == (code, [])
    assert len(answer.content) <= 100


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"17",
        b'{"action": "opened"',
        b'{"a": NaN}',
        b'{"a": "\xff\xfe"}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"action": {"opened": 1}, "issue": {}}',
    ],
)
async def test_body_that_is_no_sound_json_object_is_refused(client, store, body):
    answer = await client.post("/webhook", **signed(body, X_GitHub_Event="an_event_of_any_shape"))
    assert (answer.status_code, listing(store)) == (400, [])


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("pull_request", payload()),
        ("issues", payload(comment={})),
        ("pull_request", payload(pull_request={}, review={})),
        ("check_suite", payload(check_run={})),
        ("issues", b"{}"),
    ],
)
async def test_payload_of_another_event_is_refused(client, store, event, body):
    answer = await client.post("/webhook", **signed(body, X_GitHub_Event=event))
    assert (answer.status_code, listing(store)) == (400, [])


async def test_secrets_are_swapped_without_a_reject(client, receiver):
    for secret in (SECRET, b"the secret that comes next"):
        assert (await client.post("/webhook", **signed(payload(), secret))).status_code == 202
    assert receiver.signed_by == {0: 1, 1: 1}


@pytest.mark.parametrize("size", [door.OFF_THE_LOOP + 1, door.MAX_BODY])
async def test_big_body_within_the_limit_is_stored(client, store, size):
    body = payload(padding="@")
    body = body.replace(b"@", b"x" * (size - len(body) + 1))
    assert (await client.post("/webhook", **signed(body))).status_code == 202
    assert store.rows(sa.text("SELECT length(body) AS size FROM deliveries"))[0].size == size


async def test_too_long_body_is_refused_by_its_announced_length(client, store):
    body = b"x" * (door.MAX_BODY + 1)
    answer = await client.post("/webhook", **signed(body))
    assert (answer.status_code, listing(store)) == (413, [])


async def in_chunks(receiver, *messages):
    """Send the parts of a request as a server hands them over, and return what is answered."""
    body = b"".join(message.get("body", b"") for message in messages)
    headers = [(name.lower().encode(), value.encode()) for name, value in signed(body)["headers"].items()]
    left, sent = list(messages), []

    async def receive():
        return left.pop(0) if left else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/webhook", "headers": headers, "query_string": b""}
    await public_app(receiver)(scope, receive, send)
    return [message["status"] for message in sent if "status" in message]


def chunk(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


async def test_body_in_chunks_is_put_together(receiver):
    body = payload()
    assert await in_chunks(receiver, chunk(payload(), False)) == [202]
    assert await in_chunks(receiver, chunk(body[:10]), chunk(body[10:20]), chunk(body[20:], False)) == [202]


async def test_too_long_body_in_chunks_is_refused(receiver):
    assert await in_chunks(receiver, *(chunk(b"x" * (1024 * 1024)) for _ in range(26))) == [413]


async def test_more_than_fits_in_memory_is_put_off(receiver, monkeypatch):
    monkeypatch.setattr(door, "MAX_HELD", 1000)
    assert await in_chunks(receiver, chunk(b"x" * 600), chunk(b"x" * 600)) == [503]
    body = payload()
    assert await in_chunks(receiver, chunk(body[:9]), chunk(body[9:], False)) == [202]


async def test_body_that_never_ends_is_given_up(receiver, monkeypatch):
    monkeypatch.setattr(door, "READ_TIMEOUT", 0.01)
    assert await in_chunks(receiver, chunk(b"{")) == [400]


async def test_sender_that_hangs_up_gets_no_answer(receiver, store):
    assert await in_chunks(receiver, chunk(b"{"), {"type": "http.disconnect"}) == []
    assert listing(store) == []


async def test_other_methods_and_paths_lead_nowhere(client):
    refused = await client.get("/webhook")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert (await client.get("/api/v1/sessions")).status_code == 404
    assert (await client.get("/healthz")).text == "ok"


async def test_draining_service_leaves_deliveries_to_redelivery(client, receiver, store):
    receiver.draining = True
    answer = await client.post("/webhook", **signed(payload()))
    assert (answer.status_code, answer.headers["retry-after"], listing(store)) == (503, "10", [])


@pytest.mark.parametrize("trouble", [StoreBusy("disk full"), RuntimeError("a bug of ours")])
async def test_what_cannot_be_stored_is_never_acknowledged(client, receiver, monkeypatch, trouble):
    async def fail(_journal, _arrival):
        raise trouble

    monkeypatch.setattr(Journal, "claim", fail)
    answer = await client.post("/webhook", **signed(payload()))
    assert (answer.status_code, answer.text) == (503, "cannot store")
    await asyncio.sleep(0)
    assert receiver.answers == {("issues", 503): 1}


async def test_answers_to_what_is_too_long_or_no_delivery_are_counted_too(client, receiver):
    assert (await client.post("/webhook", content=b"x" * (26 << 20))).status_code == 413
    assert (await client.put("/webhook")).status_code == 405
    await asyncio.sleep(0)  # what is counted must not keep the answer
    assert receiver.answers == {("-", 413): 1, ("-", 405): 1}


async def test_answers_are_counted_without_trusting_unsigned_names(client, receiver):
    await client.post("/webhook", **signed(payload()))
    await client.post("/webhook", **signed(payload(), X_Hub_Signature_256=None, X_GitHub_Event="made_up"))
    await asyncio.sleep(0)
    assert receiver.answers == {("issues", 202): 1, ("-", 403): 1}


async def test_log_names_the_delivery_and_never_its_content(client, caplog):
    caplog.set_level(logging.INFO)
    await client.post("/webhook", **signed(payload(title="nobody's business"), X_GitHub_Delivery="guid-1"))
    assert not [record for record in caplog.records if record.message == "delivery received"]  # the answer goes first
    await asyncio.sleep(0)
    line = next(record for record in caplog.records if record.message == "delivery received")
    assert (line.delivery_id, line.event, line.code, line.ms > 0) == ("guid-1", "issues", 202, True)
    assert "nobody's business" not in str([record.__dict__ for record in caplog.records])


async def test_no_random_request_breaks_the_door(client, store, caplog):
    chance = random.Random(11)
    values = [None, "", "issues", "\t", "x" * 5000, "application/json", "sha256=" + "f" * 64, b"\xff\x00\xe9"]
    bodies = [b"", b"{}", b"[", b'{"action":1}', b"\x00" * 100, b"{" * 3000, payload()]
    for _ in range(1000):
        names = chance.sample(["X_GitHub_Event", "X_GitHub_Delivery", "Content_Type", "X_Hub_Signature_256"], 2)
        request = signed(chance.choice(bodies), **{name: chance.choice(values) for name in names})
        assert (await client.post("/webhook", **request)).status_code in {200, 202, 400, 403, 415}
    assert not [record for record in caplog.records if record.exc_info]
