"""Talks to the service over its Unix socket."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.config import environment, socket_path
from runtime.errors import AoError, UserError

ANSWER_S = 30.0
_REFUSED = 400
_WRONG_USE = 422
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_NO_SERVICE = "No service is running at {socket}. Start one with: ao serve"
_NO_ANSWER = "The service at {socket} did not answer ({reason}). Look at its log, or restart it with: ao serve"


class ServiceFailed(AoError):
    """The service is not there, or refused; says what to do next."""


class WrongUsage(ServiceFailed, UserError):
    """What was typed makes no sense to the service."""


def get(path: str, *, within: float = ANSWER_S, **query: object) -> Any:
    """Return the service's JSON answer."""
    given = {key: value for key, value in query.items() if value is not None}
    return _request("GET", f"/api/v1/{path}" + (f"?{urlencode(given)}" if given else ""), None, within)


def post(path: str, body: dict[str, object] | None = None, *, patience: float = ANSWER_S) -> Any:
    """Ask the service to do something and return its JSON answer."""
    return _request("POST", f"/api/v1/{path}", body, patience)


def segment(name: str) -> str:
    """Return a session's name or a delivery's GUID as part of a path; refuses what can be neither."""
    if not _NAME.fullmatch(name):
        raise ServiceFailed(f"'{name}' does not exist. List what does with: ao session ls, or: ao deliveries ls")
    return name


def _request(method: str, target: str, body: dict[str, object] | None, patience: float) -> Any:
    from bot.cli.unix_http import NotThere, ask

    place = socket_path(environment(), Path.cwd())
    try:
        status, content = ask(place, method, target, None if body is None else json.dumps(body), patience)
        if status >= _REFUSED:
            raise (WrongUsage if status == _WRONG_USE else ServiceFailed)(_reason(status, content))
        return json.loads(content)
    except NotThere as error:
        raise ServiceFailed(_NO_SERVICE.format(socket=place)) from error
    except (OSError, ValueError) as error:
        raise ServiceFailed(_NO_ANSWER.format(socket=place, reason=str(error) or type(error).__name__)) from error


def _reason(status: int, content: bytes) -> str:
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, LookupError, TypeError):
        return f"The service answered {status}: {content.decode(errors='replace')[:200]}"
