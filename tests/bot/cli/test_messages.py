"""`ao send`, `interrupt`, `approve` and `deny` as a person types them."""

import contextlib
import json
import socket
import tempfile
import threading
from pathlib import Path

from tests.bot.cli.conftest import Ao


def test_message_that_failed_is_an_error_with_its_reason(ao, service):
    service.outcome = "failed"
    shown = ao("send", "app-1", "x")
    assert shown.returncode == 1
    assert shown.stdout == "The agent of app-1 had ended; the session was brought back.\n"
    assert shown.stderr == (
        "The message did not reach app-1: the agent's process has ended. "
        "Look at its terminal with: ao session attach app-1\n"
    )


def test_message_to_a_session_that_has_ended_is_kept_until_it_is_brought_back(ao, service):
    service.outcome = "failed"
    shown = ao("send", "app-4", "x")
    assert (shown.returncode, shown.stderr) == (
        1,
        "The message did not reach app-4: the agent's process has ended. It is kept, and said when the session is "
        "brought back. See why it ended: ao explain app-4\n",
    )


@contextlib.contextmanager
def dying(home, heard, said):
    """A service that is gone before it has answered the first request, and answers the second in its next life."""

    def live() -> None:
        for answer in (b"", said):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(home / "ao.sock"))
                listener.listen()
                listener.settimeout(30)
                born.set()
                connection, _ = listener.accept()
                (home / "ao.sock").unlink()
                with connection:
                    connection.settimeout(30)
                    heard.append(connection.recv(65536))
                    while not heard[-1].endswith(b"}"):
                        heard[-1] += connection.recv(65536)
                    connection.sendall(answer)

    born = threading.Event()
    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    born.wait(30)
    try:
        yield
    finally:
        thread.join(20)


def test_message_is_said_once_to_a_service_that_dies_before_it_answers():
    with tempfile.TemporaryDirectory(prefix="ao-", dir="/tmp") as short:
        heard = []
        taken = b'{"messageId":1,"result":"processing","reason":"","restored":false}'
        with dying(Path(short), heard, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(taken), taken)):
            shown = Ao(Path(short))("send", "app-1", "hello")
    assert (shown.returncode, shown.stdout) == (0, "✓ Message sent and processing\n")
    assert shown.stderr == "The service has gone away; waiting for it to come back…\n"
    first, second = (json.loads(one.partition(b"\r\n\r\n")[2]) for one in heard)
    assert (first["text"], first) == ("hello", second)


def test_sender_is_named(ao, service):
    ao("send", "app-1", "hello", USER="ann")
    assert service.asked[0][2:4] == ("hello", "ann")


def test_agent_is_interrupted_and_told_why(ao, service):
    shown = ao("interrupt", "app-1")
    assert (shown.returncode, shown.stdout) == (0, "✓ app-1 was interrupted\n")
    shown = ao("interrupt", "app-1", "stop", "that", AO_SESSION="app-3")
    assert shown.stdout == "✓ app-1 was interrupted\n✓ Message queued (it goes first)\n"
    assert service.asked == [
        ("interrupt", "app-1", None, None), ("interrupt", "app-1", "[from app-3] stop that", "app-3"),
    ]  # fmt: skip


def test_idle_agent_is_not_interrupted(ao, service):
    service.outcome = "idle"
    assert ao("interrupt", "app-1").stdout == "- app-1 was idle already\n"


ASKED = "app-1 asks: May I?[2J\n  1 this once\n  2 always\n"


def test_question_is_shown_and_approved(ao, service):
    shown = ao("approve", "app-1", USER="ann")
    assert (shown.returncode, shown.stdout) == (0, ASKED + "✓ Approved: this once\n")
    assert ao("approve", "app-1", "2").stdout == ASKED + "✓ Approved: always\n"
    ao("approve", "app-1", "--question", "beef")
    assert service.asked == [
        ("decide", "app-1", "0123", True, None, None, "ann"), ("decide", "app-1", "0123", True, 2, None, None),
        ("decide", "app-1", "beef", True, None, None, None),
    ]  # fmt: skip


def test_empty_question_is_not_the_one_that_is_asked(ao, service):
    for command in ("approve", "deny"):
        ao(command, "app-1", "--question", "")
    assert [one[2] for one in service.asked] == ["", ""]


def test_question_is_denied_and_why_is_said(ao, service):
    assert ao("deny", "app-1").stdout == ASKED + "✗ Denied\n"
    shown = ao("deny", "app-1", "not", "now")
    assert shown.stdout == ASKED + "✗ Denied\n✓ Message queued (session finishing previous task)\n"
    assert [one[5] for one in service.asked] == [None, "not now"]


def test_nothing_is_answered_when_nothing_is_asked(ao, service):
    service.outcome = "idle"
    for command in ("approve", "deny"):
        shown = ao(command, "app-1")
        assert (shown.returncode, shown.stderr) == (1, "app-1 asks nothing now: `ao status` shows what it does\n")
    assert service.asked == []


def test_choice_where_nothing_can_be_chosen_is_told_how_to_say_yes(ao, service):
    service.choices = []
    shown = ao("approve", "app-1", "2")
    told = "app-1 offers no answers to choose from. Say yes with: ao approve app-1\n"
    assert (shown.returncode, shown.stderr, service.asked) == (2, told, [])


def test_choice_that_cannot_be_is_wrong_usage(ao, service):
    for choice, told in (
        ("0", "not '0'"),
        ("x", "N takes a number of at least 1, not 'x'"),
        ("9", "app-1 offers no answer 9. Choose one of those above: ao approve app-1 1"),
    ):
        shown = ao("approve", "app-1", choice)
        assert shown.returncode == 2
        assert told in shown.stderr
    assert service.asked == []
