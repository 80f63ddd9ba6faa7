"""What an answer of GitHub means: fine, a refusal, a limit, or no answer at all."""

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NamedTuple

from runtime.errors import AoError, ForgeBusy, ForgeRefused, GoneFromForge

KNOWN = frozenset(status.value for status in HTTPStatus)
GONE = (404, 410, 451)
RENAMED = (301, 307, 308)


class Answer(NamedTuple):
    """Status, headers (lower-case keys find them) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Uncertain(ForgeBusy):
    """The request may have been carried out: timeout, lost connection, 5xx or a broken body."""


class Limited(ForgeBusy):
    """A rate limit refused the request: it was certainly not carried out."""


def objection(answer: Answer, request: str) -> AoError | None:
    """Return what is wrong with an answer, or None when nothing is; `request` names it in the message."""
    status = answer.status
    if status < 400 and status in KNOWN:
        return None
    if limited(answer):
        return Limited(f"GitHub limits us: {request} was answered {status}")
    said = f"{request}: {status} {_message(answer)}".rstrip()
    if status in GONE:
        return GoneFromForge(f"GitHub has it no longer, or not for us: {said}")
    if status >= 500 or status not in KNOWN:
        return Uncertain(f"GitHub is in trouble: {said}")
    return ForgeRefused(f"GitHub refused {said}", status=status)


def limited(answer: Answer) -> bool:
    """Say whether a 403 or 429 is a limit rather than a lack of permission.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    if answer.status != 403:
        return answer.status == 429
    headers = answer.headers
    if "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0":
        return True
    return "rate limit" in _message(answer).lower()


def pause_after(answer: Answer, strikes: int, now: float) -> float:
    """Return for how long a limit asks us to be silent: what it says, else one minute, doubling."""
    headers = answer.headers
    if (asked := headers.get("retry-after", "")).isdigit():
        return float(asked)
    if headers.get("x-ratelimit-remaining") == "0" and (left := until_reset(answer, now)) is not None:
        return left
    return 60.0 * float(2 ** min(strikes, 6))


def until_reset(answer: Answer, now: float) -> float | None:
    """Return the seconds until the quota is whole again, by the server's clock, and one more."""
    reset = answer.headers.get("x-ratelimit-reset", "")
    return max(0.0, float(reset) - server_time(answer, now)) + 1.0 if reset.isdigit() else None


def server_time(answer: Answer, otherwise: float) -> float:
    """Return when GitHub says that it answered."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return otherwise


def _message(answer: Answer) -> str:
    try:
        data = json.loads(answer.body)
    except ValueError:
        return ""
    if not isinstance(data, dict):
        return ""
    errors = [e if isinstance(e, str) else str(e.get("message", "")) for e in data.get("errors") or []]
    return " ".join(filter(None, [str(data.get("message", "")), *errors]))[:500]
