"""Talks to the service over its Unix socket."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bot.config import environment, socket_path
from runtime.errors import AoError

ANSWER_S = 30.0
_NO_SERVICE = "No service is running at {socket}. Start one with: ao serve"
_NO_ANSWER = "The service at {socket} did not answer ({reason}). Look at its log, or restart it with: ao serve"


class ServiceFailed(AoError):
    """The service is not there, or refused; says what to do next."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def get(path: str, **query: object) -> Any:
    """Return the service's JSON answer."""
    given = {key: value for key, value in query.items() if value is not None}
    return _request("GET", f"/api/v1/{path}" + (f"?{urlencode(given)}" if given else ""), None, ANSWER_S)


def post(path: str, body: dict[str, object] | None = None, *, patience: float = ANSWER_S) -> Any:
    """Ask the service to do something and return its JSON answer."""
    return _request("POST", f"/api/v1/{path}", body, patience)


def segment(name: str) -> str:
    """Quote a name as one part of a path."""
    return quote(name, safe="")


def _request(method: str, path: str, body: dict[str, object] | None, patience: float) -> Any:
    place = socket_path(environment(), Path.cwd())
    connection = _UnixConnection(place, patience)
    try:
        connection.connect()
    except OSError as error:
        raise ServiceFailed(_NO_SERVICE.format(socket=place)) from error
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        content = answer.read()
        decoded = json.loads(content) if content else None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise ServiceFailed(_NO_ANSWER.format(socket=place, reason=reason)) from error
    finally:
        connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        detail = decoded.get("detail") if isinstance(decoded, dict) else None
        raise ServiceFailed(detail or f"The service answered {answer.status} {answer.reason}.")
    return decoded
