"""What is asked once for its key, and asked again while the service is away or cannot do it."""

import json

import pytest

from bot.cli import client, unix_http
from bot.cli.client import AWAY, BUSY_S, NoService, NotNow, post_once
from bot.cli.unix_http import NotThere

FULL = "cannot write ao.db: database or disk is full; try again in a moment."
STOPPING = "The service is stopping; ask again when it is back."
TAKEN = (200, b'{"id": "app-1"}')
DAY = 86400.0


def not_now(detail):
    return 503, json.dumps({"detail": detail}).encode()


class Service:
    """Answers one after the other, the last one for ever; pauses only turn its clock."""

    def __init__(self):
        self.answers = []
        self.now = 0.0

    def ask(self, *_):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pause(self, seconds):
        self.now += seconds


@pytest.fixture
def service(monkeypatch):
    fake = Service()
    monkeypatch.setattr(unix_http, "ask", fake.ask)
    monkeypatch.setattr(client.time, "monotonic", lambda: fake.now)
    monkeypatch.setattr(client.time, "sleep", fake.pause)
    return fake


def test_reason_of_a_service_that_cannot_do_it_now_is_said_once_and_soon_the_error(service, capsys):
    service.answers = [not_now(FULL)]
    with pytest.raises(NotNow, match="database or disk is full"):
        post_once("sessions", {}, patience=DAY)
    assert capsys.readouterr().err == f"{FULL} Asking again…\n"
    assert service.now <= BUSY_S


def test_service_that_can_do_it_again_has_been_asked_again(service, capsys):
    service.answers = [not_now(FULL), not_now(FULL), TAKEN]
    assert post_once("sessions", {}, patience=DAY) == {"id": "app-1"}
    assert capsys.readouterr().err == f"{FULL} Asking again…\n"


def test_service_that_stops_is_waited_for_until_it_is_back(service, capsys):
    service.answers = [not_now(STOPPING), *[NotThere()] * 100, TAKEN]
    assert post_once("sessions", {}, patience=DAY) == {"id": "app-1"}
    assert capsys.readouterr().err == f"{STOPPING} Asking again…\n{AWAY}\n"


def test_nobody_waits_longer_than_asked_for(service):
    service.answers = [not_now(FULL)]
    with pytest.raises(NotNow):
        post_once("sessions", {}, patience=2)
    assert service.now <= 2


def test_service_that_was_never_there_is_not_waited_for(service):
    service.answers = [NotThere()]
    with pytest.raises(NoService):
        post_once("sessions", {}, patience=DAY)
    assert service.now == 0
