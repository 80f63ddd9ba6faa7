"""Signed deliveries, the service's door in its own process, and a client that costs little itself."""

import asyncio
import hmac
import json
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import cast

import uvloop

from bot.demo.github.people import User
from bot.demo.github.records import Issue, Label, Repository
from bot.demo.github.shapes import repositories as shapes
from bot.demo.github.shapes.issues import issue as issue_shape
from bot.demo.github.shapes.people import user
from bot.demo.github.world import World

SIZE = 20_000
SECRET = "a-secret-for-benchmarks"  # noqa: S105 - signs made-up deliveries to a receiver of our own
WORDS = Path(__file__).parent.parent / "LICENSE"
"""What the issue says: prose of about the length that is wanted."""


def bodies(count: int) -> Iterator[bytes]:
    """Yield labelled issues in the shape that GitHub sends, different ones of the same size."""
    whole = _labelled("N" * 36)
    before, after = _labelled("N" * 36, WORDS.read_text()[: SIZE - len(whole)]).split(b"N" * 36)
    for _ in range(count):
        yield before + str(uuid.uuid4()).encode() + after


def _labelled(title: str, text: str = "") -> bytes:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    world = World(Path(), lambda: now, url="https://api.github.com")
    octo, label = User(1, "octo", now), Label(2, "agent")
    repo = Repository(3, octo, "bench", Path(), now, now, labels=[label])
    issue = Issue(4, 1, title, text, octo, now, now, labels=[label])
    shown = {"repository": shapes.repository(world, repo), "sender": user(world, octo)}
    shown |= {"issue": issue_shape(world, repo, issue), "label": shapes.label(world, repo, label)}
    return json.dumps({"action": "labeled", **shown, "installation": {"id": 5}}).encode()


def requests(count: int) -> list[bytes]:
    """Return whole HTTP requests, signed beforehand so that the client has nothing left to do."""
    return [_request(body) for body in bodies(count)]


def _request(body: bytes) -> bytes:
    lines = (
        "POST /webhook HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: */*",
        "User-Agent: GitHub-Hookshot/0000000",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-GitHub-Delivery: {uuid.uuid4()}",
        "X-GitHub-Event: issues",
        "X-GitHub-Hook-ID: 1",
        f"X-Hub-Signature-256: sha256={hmac.digest(SECRET.encode(), body, 'sha256').hex()}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


@dataclass
class Sent:
    """What a run of requests took."""

    latencies: list[float] = field(default_factory=list)
    took: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers per second, all connections together."""
        return len(self.latencies) / self.took


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered."""

    def __init__(self, waiting: list[bytes], sent: Sent, expected: bytes) -> None:
        self._expected = b"HTTP/1.1 " + expected
        self._waiting = waiting
        self._sent = sent
        self._began = 0.0
        self._answer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are not subclasses
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, ended, body = self._answer.partition(b"\r\n\r\n")
        if not ended or len(body) < int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return None
        if not head.startswith(self._expected):
            return self.done.set_exception(RuntimeError(f"the receiver answered {self._answer!r}"))
        self._answer = b""
        self._sent.latencies.append(perf_counter() - self._began)
        return self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or RuntimeError("the receiver closed the connection"))

    def _next(self) -> None:
        if not self._waiting:
            self.done.set_result(None)
            self._transport.close()
            return
        request = self._waiting.pop()
        self._began = perf_counter()
        self._transport.write(request)


def send(port: int, waiting: list[bytes], connections: int, *, expected: bytes = b"202") -> Sent:
    """Send everything over so many kept-alive connections, each with one request at a time.

    Raises:
        RuntimeError: the receiver gave another answer than the expected one.

    """

    async def run() -> Sent:
        sent, loop = Sent(), asyncio.get_running_loop()
        began = perf_counter()
        opened = [
            await loop.create_connection(lambda: _Connection(waiting, sent, expected), "127.0.0.1", port)
            for _ in range(connections)
        ]
        await asyncio.gather(*(protocol.done for _, protocol in opened))
        sent.took = perf_counter() - began
        return sent

    return uvloop.run(run())


@contextmanager
def alone(port: int) -> Iterator[Callable[[bytes], float]]:
    """Give a function that sends a request over one connection, without an event loop, and returns its seconds.

    It raises `RuntimeError` for another answer than an empty 202.
    """
    with socket.create_connection(("127.0.0.1", port)) as connection:

        def deliver(request: bytes) -> float:
            began = perf_counter()
            connection.sendall(request)
            answer = connection.recv(65536)
            took = perf_counter() - began
            if not answer.startswith(b"HTTP/1.1 202") or not answer.endswith(b"\r\n\r\n"):
                raise RuntimeError(f"the receiver answered {answer!r}")
            return took

        yield deliver


class Server:
    """A receiver of the service in its own process, on a free port."""

    def __init__(self, directory: Path) -> None:
        command = [sys.executable, "-m", "bench.deliveries", str(directory / "subject.db")]
        with (directory / "subject.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)

    def __enter__(self) -> "Server":
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)


def serve(path: Path) -> None:
    """Run the service's own receiver, journal and server, and print the port; it logs warnings only, like its peer."""
    from bot.listeners import server
    from bot.logs import set_up_logs
    from bot.public import public_app
    from bot.receiver import Receiver
    from bot.signature import Secrets
    from runtime.store.journal import Journal
    from runtime.store.store import Store

    set_up_logs("warning", "text")
    receiver = Receiver(Journal(Store(path)), Secrets([SECRET.encode()]), lambda _event, _action: True)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvloop.run(server(public_app(receiver)).serve(sockets=[listener]))


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
