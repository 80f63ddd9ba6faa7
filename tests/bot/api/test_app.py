"""The private interface, over a real socket."""

import http.client
import json
import socket
import stat
import tempfile
import time
from pathlib import Path

import pytest

from bot.api import records
from bot.api.listen import bind
from bot.api.openapi import describe
from bot.api.operations import OPERATIONS
from runtime.errors import ConfigError
from tests.bot.fake_service import FakeService, delivery, record, running, session


@pytest.fixture
def data_dir():
    with tempfile.TemporaryDirectory(prefix="ao-", dir="/tmp") as short:
        yield Path(short)


@pytest.fixture
def service(data_dir):
    fake = FakeService()
    fake.rows = [session("app-1"), session("app-2", ended_at="2020-01-01T00:00:00Z")]
    fake.journal = [delivery("guid-1"), delivery("guid-2", state="dead", error="boom")]
    with running(fake, data_dir):
        yield fake


@pytest.fixture
def ask(service, data_dir):
    def asked(method: str, path: str, body: object = None, headers: dict[str, str] | None = None):
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(data_dir / "ao.sock"))
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, raw, headers or {})
        answer = connection.getresponse()
        if answer.headers["content-type"].startswith("text/event-stream"):
            return connection, answer
        content = answer.read()
        connection.close()
        return answer, json.loads(content) if "json" in answer.headers["content-type"] else content.decode()

    return asked


def test_ended_sessions_are_listed_only_on_request(ask):
    _, found = ask("GET", "/api/v1/sessions")
    assert [row["name"] for row in found["sessions"]] == ["app-1"]
    assert found["hiddenTerminatedCount"] == 1
    _, found = ask("GET", "/api/v1/sessions?all=true&project=my-app")
    assert [row["name"] for row in found["sessions"]] == ["app-1", "app-2"]


def test_a_message_reaches_the_service_with_its_wishes(ask, service):
    answer, sent = ask("POST", "/api/v1/sessions/app-1/messages", {"text": "hello", "wait": False, "timeout": 3})
    assert (answer.status, sent["messageId"], sent["result"]) == (200, 7, "processing")
    assert service.asked == [("send", "app-1", "hello", None, False, 3.0)]


def test_kill_and_replay_reach_the_service(ask, service):
    assert ask("POST", "/api/v1/sessions/app-1/kill")[1]["alreadyTerminated"] is False
    assert ask("POST", "/api/v1/deliveries/guid-2/replay", {"force": True})[1]["guid"] == "guid-2"
    assert ask("POST", "/api/v1/deliveries/guid-1/replay")[0].status == 200
    assert service.asked == [("kill", "app-1", None, None), ("replay", "guid-2", True), ("replay", "guid-1", False)]


def test_deliveries_are_filtered_and_shown(ask):
    assert [row["guid"] for row in ask("GET", "/api/v1/deliveries?state=dead")[1]] == ["guid-2"]
    assert len(ask("GET", "/api/v1/deliveries?limit=1")[1]) == 1
    assert ask("GET", "/api/v1/deliveries/guid-1")[1]["payload"] == {"action": "labeled"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("GET", "/api/v1/sessions/nope", None, 404, "Session 'nope' does not exist. List them with: ao session ls"),
        ("GET", "/api/v1/deliveries/nope", None, 404, "There is no delivery nope"),
        ("GET", "/api/v1/sessions?project=x", None, 422, "There is no project 'x'; there are: my-app."),
        ("GET", "/api/v1/sessions?all=maybe", None, 400, "Expected `bool`"),
        ("GET", "/api/v1/deliveries?limit=many", None, 400, "Expected `int`"),
        ("POST", "/api/v1/sessions/app-1/messages", {"text": " "}, 422, "The message is empty"),
        ("POST", "/api/v1/sessions/app-1/messages", {"txt": "x"}, 400, "unknown field `txt`"),
        ("POST", "/api/v1/sessions/app-1/messages", b"{", 400, "truncated"),
        ("GET", "/api/v1/nothing", None, 404, "/api/v1/openapi.json lists what is"),
        ("DELETE", "/api/v1/sessions", None, 405, "DELETE is not for this address; it takes GET, HEAD, POST."),
        ("POST", "/readyz", None, 405, "it takes GET, HEAD."),
        ("GET", "/elsewhere", None, 404, "There is nothing here"),
        ("GET", "/api/v1/records?after=x", None, 400, "'x' is not a record's number"),
        ("GET", "/api/v1/records?after=%C2%B2", None, 400, "is not a record's number"),
        ("GET", "/api/v1/records?kind=nonsense", None, 422, "There is no kind 'nonsense'"),
        ("GET", "/api/v1/records?after=-1", None, 400, "'-1' is not a record's number"),
        ("GET", f"/api/v1/records?after={'9' * 5000}", None, 400, "is not a record's number"),
        ("GET", "/api/v1/records/search?limit=few", None, 400, "Expected `int`"),
        ("GET", "/api/v1/records/search?limit=0", None, 400, "Expected `int` >= 1 - at `$.limit`"),
        ("GET", "/api/v1/deliveries?limit=1001", None, 400, "Expected `int` <= 1000 - at `$.limit`"),
        ("GET", "/api/v1/explanations/app-1?limit=-1", None, 400, "Expected `int` >= 1 - at `$.limit`"),
        (
            "POST",
            "/api/v1/sessions/app-1/messages",
            {"text": "x", "timeout": -1},
            400,
            "`float` >= 0.0 - at `$.timeout`",
        ),
        ("POST", "/api/v1/sessions/app-1/messages", {"text": "x", "expires": 1e9}, 400, "`float` <= 86400.0"),
    ],
)
def test_what_cannot_be_done_is_a_problem_that_says_so(ask, method, path, body, status, detail):
    answer, problem = ask(method, path, body)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in problem["detail"]


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}])
def test_a_body_above_the_limit_is_refused(ask, headers):
    content = b"x" * (1024 * 1024 + 1)
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content) if headers else content
    answer, problem = ask("POST", "/api/v1/sessions/app-1/messages", body, headers)
    assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")
    assert problem["detail"] == "The body is larger than 1,048,576 bytes; send less."


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_is_not_json_is_refused(ask, service, kind):
    answer, problem = ask("POST", "/api/v1/sessions/app-1/messages", b'{"text": "x"}', {"Content-Type": kind})
    assert (answer.status, answer.headers["content-type"]) == (415, "application/problem+json")
    assert "send JSON with Content-Type: application/json" in problem["detail"]
    assert service.asked == []


def test_json_may_name_its_charset(ask):
    kind = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert ask("POST", "/api/v1/sessions/app-1/messages", {"text": "x"}, kind)[0].status == 200


@pytest.mark.parametrize(
    ("outcome", "busy", "status", "detail"),
    [
        ("gone", False, 409, "The agent of app-1 has ended. Label its issue again."),
        ("processing", True, 503, "the journal cannot be written now; try again in a moment."),
        ("broken", False, 500, "The service failed at this; its log says why."),
    ],
)
def test_failures_of_the_service_show_what_a_person_can_use(ask, service, outcome, busy, status, detail):
    service.outcome, service.busy = outcome, busy
    answer, problem = ask("POST", "/api/v1/sessions/app-1/messages", {"text": "x"})
    assert (answer.status, problem["detail"]) == (status, detail)
    assert answer.headers.get("retry-after") == ("2" if busy else None)


def test_records_are_resumed_after_the_last_one_seen(ask, service):
    service.trail = [record(1), record(2), record(3)]
    for path, headers in (("/api/v1/records?after=1", None), ("/api/v1/records", {"Last-Event-ID": "1"})):
        connection, stream = ask("GET", path, headers=headers)
        lines = [stream.readline().decode().strip() for _ in range(11)]
        assert [line for line in lines if line.startswith("id:")] == ["id: 1", "id: 2", "id: 3"]
        assert json.loads(lines[5].removeprefix("data: "))["summary"] == "app-1 has started"
        connection.close()


def test_records_from_now_on_arrive_when_they_are_made(ask, service, monkeypatch):
    monkeypatch.setattr(records, "HEARTBEAT_S", 0.05)
    service.trail = [record(1)]
    connection, stream = ask("GET", "/api/v1/records")
    assert stream.readline() == b": from 1\n"
    while stream.readline() != b": alive\n":
        pass
    service.trail = [record(1), record(2)]
    assert _next_id(stream, after=b"id: 1\n") == b"id: 2\n"
    connection.close()


def test_a_stream_ends_when_the_service_stops(ask, service):
    connection, stream = ask("GET", "/api/v1/records")
    service.records.over = True
    assert stream.read().startswith(b": from 0\n")
    connection.close()


def _next_id(stream, *, after):
    while not (line := stream.readline()).startswith(b"id:") or line == after:
        pass
    return line


def test_a_reader_is_moved_past_what_it_does_not_want(ask, service, monkeypatch):
    monkeypatch.setattr(records, "HEARTBEAT_S", 0.05)
    service.trail = [record(1), record(2, kind="fact"), record(3, session_id="app-2", kind="fact"), record(4)]
    connection, stream = ask("GET", "/api/v1/records?kind=fact&session=app-2", headers={"Last-Event-ID": "1"})
    assert _next_id(stream, after=b"id: 1\n") == b"id: 3\n"
    assert _next_id(stream, after=b"id: 3\n") == b"id: 4\n"
    connection.close()


def test_a_new_reader_may_begin_in_the_past(ask, service):
    service.trail = [record(1)]
    connection, stream = ask("GET", "/api/v1/records?since=1h")
    assert _next_id(stream, after=b"id: 0\n") == b"id: 1\n"
    connection.close()


def test_a_number_of_another_store_counts_as_now(ask, service):
    service.trail = [record(1)]
    connection, stream = ask("GET", "/api/v1/records", headers={"Last-Event-ID": "999"})
    assert stream.readline() == b": from 1\n"
    connection.close()


def test_records_are_searched_and_counted(ask, service):
    service.trail = [
        record(1),
        record(2, kind="fact", summary="app-1: turn"),
        record(3, kind="fact", session_id="app-2"),
    ]
    _, found = ask("GET", "/api/v1/records/search?q=started&limit=1")
    assert [(row["id"], row["level"], row["sessionId"]) for row in found] == [(3, "info", "app-2")]
    assert [row["id"] for row in ask("GET", "/api/v1/records/search?kind=fact&session=app-1")[1]] == [2]
    assert ask("GET", "/api/v1/records/counts")[1] == {"fact": 2, "session.spawned": 1}


def test_readiness_names_what_is_missing(ask, service):
    assert ask("GET", "/readyz")[1] == "ready\n"
    service.reasons = ["tmux does not answer"]
    answer, problem = ask("GET", "/readyz")
    assert (answer.status, problem["detail"]) == (503, "tmux does not answer")


def test_metrics_are_in_prometheus_format(ask):
    lines = ask("GET", "/metrics")[1].splitlines()
    assert 'ao_sessions{status="working"} 2.0' in lines
    assert "ao_deliveries_total 5.0" in lines


def test_the_description_names_every_operation_and_resolves_its_references(ask):
    described = ask("GET", "/api/v1/openapi.json")[1]
    assert described == describe("0.1.0")
    known = {(path, method.upper()) for path, methods in described["paths"].items() for method in methods}
    assert {(op.path, op.method) for op in OPERATIONS} <= known
    text = json.dumps(described)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in described["components"]["schemas"]


def test_only_the_owner_can_open_the_socket(service, data_dir):
    assert stat.S_IMODE((data_dir / "ao.sock").stat().st_mode) == 0o600


def test_a_second_service_is_refused_and_a_dead_ones_socket_replaced(data_dir):
    bind(data_dir / "ao.sock").close()
    listener = bind(data_dir / "ao.sock")
    with pytest.raises(ConfigError, match="running already"):
        bind(data_dir / "ao.sock")
    listener.close()


def test_a_file_in_the_sockets_place_is_not_deleted(data_dir):
    (data_dir / "ao.sock").write_text("precious")
    with pytest.raises(ConfigError, match="is not a socket: move it away"):
        bind(data_dir / "ao.sock")
    with pytest.raises(ConfigError, match="cannot be created"):
        bind(data_dir / "nowhere" / "ao.sock")


def test_whole_numbers_may_be_written_with_a_point(ask, service):
    answer, _ = ask("POST", "/api/v1/sessions", b'{"prompt": "Say hello", "pull": 7.0}')
    assert answer.status in (200, 422)
    answer, told = ask("POST", "/api/v1/sessions", b'{"prompt": "Say hello", "pull": 7.5}')
    assert (answer.status, "pull" in told["detail"]) == (400, True)


def test_body_nested_without_end_is_a_bad_request(ask):
    assert ask("POST", "/api/v1/sessions", b"[" * 100_000)[0].status == 400


def test_request_that_the_end_cuts_off_is_told_to_ask_again(data_dir):
    fake = FakeService()
    fake.rows, fake.outcome = [session("app-1")], "never"
    connection = http.client.HTTPConnection("localhost", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    with running(fake, data_dir):
        connection.sock.connect(str(data_dir / "ao.sock"))
        connection.request("POST", "/api/v1/sessions/app-1/messages", b'{"text": "hello"}')
        while not fake.asked:
            time.sleep(0.01)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "ask again when it is back" in json.loads(answer.read())["detail"]
    connection.close()
