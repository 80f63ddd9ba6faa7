"""Talks to the service over its Unix socket."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.cli.text import complain
from bot.config import environment, socket_path
from runtime.errors import AoError, WrongUse

ANSWER_S = 30.0
SILENCE_S = 60.0
"""A stream says that it lives every 15 s; after this long it is opened anew."""
AGAIN_S = 0.5
BUSY_S = 10.0
"""So long is asked again what a service that is there says it cannot do now."""
AWAY = "The service has gone away; waiting for it to come back…"
BACK = "The service is back; going on where it stopped."
BUSY = "{reason} Asking again…"
_REFUSED, _WRONG_USE, _OURS, _NOT_NOW = 400, 422, 500, 503
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_NO_SERVICE = "No service is running at {socket}. Start one with: ao serve"
_NO_ANSWER = "The service at {socket} did not answer ({reason}). Look at its log, or restart it with: ao serve"


class ServiceFailed(AoError):
    """The service is not there, or refused; says what to do next."""


class NoService(ServiceFailed):
    """Nobody listens on the socket."""


class NoAnswer(ServiceFailed):
    """The service was there and did not answer; it may have done what it was asked for."""


class NotNow(NoAnswer):
    """The service is there and says why it cannot do it now."""


class WrongUsage(ServiceFailed, WrongUse):
    """What was typed makes no sense to the service."""


def get(path: str, *, within: float = ANSWER_S, **query: object) -> Any:
    """Return the service's JSON answer."""
    return _request("GET", _target(path, query), None, within)


def post(path: str, body: dict[str, object] | None = None, *, patience: float = ANSWER_S) -> Any:
    """Ask the service to do something and return its JSON answer."""
    return _request("POST", f"/api/v1/{path}", body, patience)


def post_once(path: str, body: dict[str, object], *, patience: float) -> Any:
    """Ask for what the service does once for its key, and ask again when it goes away before it answers.

    A service that says it cannot do it now is asked again for `BUSY_S` at most; one that stops is away after that.
    """
    until, soon, told = time.monotonic() + patience, None, ""
    while True:
        left = until - time.monotonic()
        try:
            return _request("POST", f"/api/v1/{path}", body, max(left, AGAIN_S))
        except NotNow as error:
            soon, why = soon or time.monotonic() + BUSY_S, BUSY.format(reason=error)
            if min(left, soon - time.monotonic()) < AGAIN_S:
                raise
        except (NoService, NoAnswer) as error:
            soon, why = None, AWAY
            if left < AGAIN_S or (isinstance(error, NoService) and not told):
                raise
        if why != told:
            complain(why)
            told = why
        time.sleep(AGAIN_S)


def follow(path: str, *, after: int | None = None, **query: object) -> Iterator[dict[str, Any]]:
    """Yield what a stream of events says, for ever; a service that goes away is waited for, and nothing is missed.

    Only a service that was never there, or that refuses, is an error; with `after` it has been there.
    """
    from bot.cli.unix_http import NotThere, Refused, lines

    place, last, connected, away = socket_path(environment(), Path.cwd()), after, after is not None, False
    while True:
        resumed = {} if last is None else {"Last-Event-ID": str(last)}
        try:
            for seen, data in events(lines(place, _target(path, query), resumed, SILENCE_S)):
                last, connected = seen, True
                if away:
                    complain(BACK)
                    away = False
                if data:
                    yield json.loads(data)
        except Refused as error:
            if not connected or error.status < _OURS:
                raise _refusal(error.status, error.content) from error
        except OSError as error:
            if not connected:
                said = _NO_SERVICE if isinstance(error, NotThere) else _NO_ANSWER
                raise ServiceFailed(said.format(socket=place, reason=str(error))) from error
        if not away:
            complain(AWAY)
            away = True
        time.sleep(AGAIN_S)


def events(lines: Iterable[bytes]) -> Iterator[tuple[int | None, str]]:
    """Yield the id and data of each whole server-sent event; one that was cut off counts as not seen."""
    last: int | None = None
    data = ""
    for line in lines:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name == "id":
            last = int(value)
        elif name == "data":
            data = value
        elif not name and not value:
            yield last, data
            data = ""


def segment(name: str) -> str:
    """Return a session's name or a delivery's GUID as part of a path; refuses what can be neither."""
    if not _NAME.fullmatch(name):
        raise ServiceFailed(f"'{name}' does not exist. List what does with: ao session ls, or: ao deliveries ls")
    return name


def _target(path: str, query: Mapping[str, object]) -> str:
    given = {key: value for key, value in query.items() if value is not None}
    return f"/api/v1/{path}" + (f"?{urlencode(given)}" if given else "")


def _request(method: str, target: str, body: dict[str, object] | None, patience: float) -> Any:
    from bot.cli.unix_http import NotThere, ask

    place = socket_path(environment(), Path.cwd())
    try:
        status, content = ask(place, method, target, None if body is None else json.dumps(body), patience)
        if status == _NOT_NOW:
            raise NotNow(_reason(status, content))
        if status >= _REFUSED:
            raise _refusal(status, content)
        return json.loads(content)
    except NotThere as error:
        raise NoService(_NO_SERVICE.format(socket=place)) from error
    except (OSError, ValueError) as error:
        raise NoAnswer(_NO_ANSWER.format(socket=place, reason=str(error) or type(error).__name__)) from error


def _refusal(status: int, content: bytes) -> ServiceFailed:
    return (WrongUsage if status == _WRONG_USE else ServiceFailed)(_reason(status, content))


def _reason(status: int, content: bytes) -> str:
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, LookupError, TypeError):
        return f"The service answered {status}: {content.decode(errors='replace')[:200]}"
