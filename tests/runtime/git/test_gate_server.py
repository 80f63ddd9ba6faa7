"""The socket on which hooks and shims ask."""

import asyncio
import json
import socket
import stat

import pytest

from runtime.errors import ForgeBusy, NotAllowed, StoreBusy
from runtime.gate_server import AT_ONCE, LONGEST_REQUEST, Answer, GateServer
from tests.waiting import until

GH = {"id": "12345678", "do": "gh", "command": "pr view", "options": {"target": "1"}}

PUSH = {"id": "12345678", "do": "push", "updates": []}


class Gates:
    """A server whose handler counts, and can be held up or made to fail."""

    def __init__(self, place) -> None:
        self.path = place / "gate.sock"
        self.requests = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.error: Exception | None = None
        self.server = GateServer(place, self._handle)

    async def _handle(self, request):
        self.requests.append(request)
        await self.hold.wait()
        if self.error:
            raise self.error
        return Answer.done(f"answer {len(self.requests)}")

    async def open(self):
        return await asyncio.open_unix_connection(str(self.path))

    async def ask(self, raw: bytes | dict) -> dict:
        reader, writer = await self.open()
        writer.write(raw if isinstance(raw, bytes) else json.dumps(raw).encode() + b"\n")
        try:
            return json.loads(await reader.readline())
        finally:
            writer.close()


@pytest.fixture
async def gates(place):
    gates = Gates(place)
    await gates.server.start()
    yield gates
    await gates.server.close()


async def test_only_its_owner_may_connect(gates):
    assert stat.S_IMODE(gates.path.stat().st_mode) == 0o600


async def test_a_request_is_answered_in_one_line(gates):
    assert await gates.ask(GH) == {"ok": True, "text": "answer 1", "exit": 0}


async def test_the_same_request_gets_the_first_ones_answer(gates):
    gates.hold.clear()
    _, writer = await gates.open()
    writer.write(json.dumps(GH).encode() + b"\n")
    await until(lambda: gates.requests)
    writer.close()
    again = asyncio.create_task(gates.ask(GH))
    gates.hold.set()
    assert (await again)["text"] == "answer 1"
    assert (await gates.ask(GH))["text"] == "answer 1"
    assert (await gates.ask(GH | {"id": "87654321"}))["text"] == "answer 2"


@pytest.mark.parametrize(
    "raw",
    [
        b"\n", b"{}\n", b"[]\n", b"\xff\n", b"null", b"[" * 100_000 + b"\n", b"x" * (LONGEST_REQUEST + 2) + b"\n",
        json.dumps(GH | {"do": "rm"}).encode() + b"\n",
        json.dumps(GH | {"id": "../x"}).encode() + b"\n",
        json.dumps(GH | {"options": {"a": {"b": 1}}}).encode() + b"\n",
        json.dumps(PUSH).encode() + b"\n",
        json.dumps(PUSH | {"updates": [{"old": "--x", "new": "y", "ref": "z"}]}).encode() + b"\n",
    ],
    ids=range(12),
)  # fmt: skip
async def test_nonsense_is_refused_and_the_next_request_served(gates, raw):
    reader, writer = await gates.open()
    writer.write(raw)
    if not raw.endswith(b"\n"):
        writer.write_eof()
    answer = json.loads(await reader.readline())
    writer.close()
    assert (answer["ok"], answer["exit"]) == (False, 1)
    assert gates.requests == []
    assert (await gates.ask(GH))["ok"]


async def test_a_flood_of_requests_is_turned_away_while_the_first_are_served(gates):
    gates.hold.clear()
    asking = [asyncio.create_task(gates.ask(GH | {"id": f"request-{n}"})) for n in range(AT_ONCE)]
    await until(lambda: len(gates.requests) == AT_ONCE)
    assert "Too many" in (await gates.ask(GH))["text"]
    gates.hold.set()
    assert {(await task)["ok"] for task in asking} == {True}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NotAllowed("ask a person"), "ask a person"),
        (ForgeBusy("secret detail"), "The forge cannot be reached now and nothing was done"),
        (StoreBusy("secret detail"), "The orchestrator cannot store anything now"),
        (RuntimeError("secret detail"), "failed inside the orchestrator"),
    ],
)
async def test_an_error_is_told_without_its_inside(gates, error, says):
    gates.error = error
    answer = await gates.ask(GH)
    assert says in answer["text"]
    assert "secret" not in answer["text"]
    assert answer["exit"] == 1


async def test_a_socket_left_by_a_killed_service_is_replaced(place):
    for name in ("gate.sock", "gate.new"):
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(place / name))
        left.close()
    await answers_and_goes(Gates(place))


async def test_a_directory_in_place_of_the_socket_is_replaced(place):
    for name in ("gate.sock", "gate.new"):
        (place / name / "full").mkdir(parents=True)
    await answers_and_goes(Gates(place))


async def answers_and_goes(gates):
    await gates.server.start()
    assert (await gates.ask(GH))["ok"]
    await gates.server.close()
    assert not gates.path.exists()


async def test_closing_drops_what_is_running(gates):
    gates.hold.clear()
    asking = asyncio.create_task(gates.ask(GH))
    await until(lambda: gates.requests)
    await gates.server.close()
    with pytest.raises(json.JSONDecodeError):
        await asking
