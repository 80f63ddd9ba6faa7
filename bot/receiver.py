"""The public door: verifies a delivery, puts it on disk, and only then answers.

It runs no handler and asks nobody. The order of the checks keeps unsigned traffic out of everything behind it:
method, length, signature, headers, JSON object, claim, commit, answer.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Scope, Send
from starlette.types import Receive as ReceiveMessage

from bot.signature import HEADER, Secrets
from runtime.errors import StoreBusy
from runtime.store.journal import Arrival, Claim, Journal

log = logging.getLogger(__name__)

MAX_BODY = 25 * 1024 * 1024  # https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
OFF_THE_LOOP = 1024 * 1024
MAX_HELD = 10 * MAX_BODY
READ_TIMEOUT = 30.0
RETRY_AFTER = b"10"

_GUID = re.compile(rb"[\x21-\x7e]{1,100}")
_EVENT = re.compile(rb"[a-z0-9_]{1,100}")

_CODES = {Claim.QUEUED: 202, Claim.REQUEUED: 202, Claim.IGNORED: 202, Claim.DUPLICATE: 200, Claim.REPLAY: 200}

# What tells payloads apart: the parts one must have, and the parts it must not have.
_SHAPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "issues": (("issue",), ("comment",)),
    "issue_comment": (("issue", "comment"), ()),
    "pull_request": (("pull_request",), ("review", "comment", "thread")),
    "pull_request_review": (("pull_request", "review"), ()),
    "pull_request_review_comment": (("pull_request", "comment"), ()),
    "pull_request_review_thread": (("pull_request", "thread"), ()),
    "check_run": (("check_run",), ("deployment",)),
    "check_suite": (("check_suite",), ()),
    "push": (("ref", "after", "commits"), ()),
    "ping": (("zen", "hook"), ()),
}

Wanted = Callable[[str, str | None], bool]
"""Tells whether anybody handles this event and action."""


class Refused(Exception):
    """The request is answered with `code`; the message says why, in a word or two."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class _Glance(msgspec.Struct):
    """The least that must be read of a payload; everything else is skipped, not decoded."""

    action: Any = None
    issue: msgspec.Raw = msgspec.Raw()
    comment: msgspec.Raw = msgspec.Raw()
    pull_request: msgspec.Raw = msgspec.Raw()
    review: msgspec.Raw = msgspec.Raw()
    thread: msgspec.Raw = msgspec.Raw()
    check_run: msgspec.Raw = msgspec.Raw()
    check_suite: msgspec.Raw = msgspec.Raw()
    deployment: msgspec.Raw = msgspec.Raw()
    ref: msgspec.Raw = msgspec.Raw()
    after: msgspec.Raw = msgspec.Raw()
    commits: msgspec.Raw = msgspec.Raw()
    zen: msgspec.Raw = msgspec.Raw()
    hook: msgspec.Raw = msgspec.Raw()


_glance = msgspec.json.Decoder(_Glance)


class Receiver:
    """Takes deliveries at `POST /webhook`; an ASGI application."""

    def __init__(self, journal: Journal, secrets: Secrets, wanted: Wanted) -> None:
        self._journal = journal
        self._secrets = secrets
        self._wanted = wanted
        self._held = 0
        self.draining = False
        """Set before the service stops: every delivery is then left to GitHub's redelivery."""
        self.turned_away = asyncio.Event()
        """Set when a delivery was refused that should have been stored; GitHub does not send it again by itself."""
        self.answers: Counter[tuple[str, int]] = Counter()
        """Answers by event and code; the event is `-` unless the delivery was genuine and somebody handles it."""
        self.signed_by: Counter[int] = Counter()
        """Deliveries by the index of the secret that signed them, to see when an old one can go."""

    async def __call__(self, scope: Scope, receive: ReceiveMessage, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        seen: dict[str, Any] = {}
        try:
            code, text = await self._accept(scope, receive, seen)
        except Refused as refused:
            code, text = refused.code, str(refused)
        except HTTPException as limit:
            code, text = limit.status_code, limit.detail
        except ClientDisconnect:
            return
        except StoreBusy as exc:
            log.error("delivery not stored", extra={**seen, "why": str(exc)})  # noqa: TRY400 - would fill a full disk
            code, text = 503, "cannot store"
        except Exception:
            log.exception("delivery not stored", extra=seen)
            code, text = 503, "cannot store"
        try:
            await _answer(send, code, text)
        finally:
            seen |= {"code": code, "answer": text, "ms": round((perf_counter() - began) * 1e3, 2)}
            # The answer leaves when the loop turns: what there is to say about it must not keep it.
            asyncio.get_running_loop().call_soon(self._note, seen, scope)

    def _note(self, seen: dict[str, Any], scope: Scope) -> None:
        code = seen["code"]
        if code == 503:
            self.turned_away.set()
        self.answers[seen.get("event", "-"), code] += 1
        if code < 300:
            log.info("delivery received", extra=seen)
        else:
            log.warning("delivery refused", extra={**seen, "client": (scope.get("client") or "?")[0]})

    async def _accept(self, scope: Scope, receive: ReceiveMessage, seen: dict[str, Any]) -> tuple[int, str]:
        if scope["method"] != "POST":
            raise Refused(405, "POST deliveries here")
        if self.draining:
            raise Refused(503, "stopping")
        body = await self._read(receive)
        try:
            arrival = await self._examine(dict(scope["headers"]), body)
            seen |= {"delivery_id": arrival.guid, "action": arrival.action}
            if arrival.wanted:
                seen["event"] = arrival.event
            claim = await self._journal.claim(arrival)
        finally:
            self._held -= len(body)
        # The common answer has no body: the server writes head and body apart, which costs both sides a system call.
        text = "" if claim is Claim.QUEUED else claim.value
        return 200 if arrival.event == "ping" else _CODES[claim], text

    async def _read(self, receive: ReceiveMessage) -> bytes:
        first = await receive()
        if first["type"] == "http.request" and not first.get("more_body"):
            body: bytes = first.get("body", b"")
            self._held += len(body)
            return body
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                return await self._read_on(first, receive)
        except TimeoutError as exc:
            raise Refused(400, "body incomplete") from exc

    async def _read_on(self, message: Message, receive: ReceiveMessage) -> bytes:
        body = bytearray()
        try:
            while self._hold(body, message):
                message = await receive()
        except BaseException:
            self._held -= len(body)
            raise
        return bytes(body)

    def _hold(self, body: bytearray, message: Message) -> bool:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        self._held += len(chunk)
        body += chunk
        if self._held > MAX_HELD:
            raise Refused(503, "too much at once")
        return bool(message.get("more_body"))

    async def _examine(self, headers: dict[bytes, bytes], body: bytes) -> Arrival:
        if len(body) > OFF_THE_LOOP:
            return await asyncio.to_thread(self._judge, headers, body)
        return self._judge(headers, body)

    def _judge(self, headers: dict[bytes, bytes], body: bytes) -> Arrival:
        secret = self._secrets.verify(headers.get(HEADER), body)
        if secret is None:
            raise Refused(403, "signature")
        self.signed_by[secret] += 1
        guid, event = headers.get(b"x-github-delivery", b""), headers.get(b"x-github-event", b"")
        if not _GUID.fullmatch(guid) or not _EVENT.fullmatch(event):
            raise Refused(400, "headers")
        if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
            raise Refused(415, "send application/json")
        action = _action(event.decode(), body)
        name, signature = event.decode(), bytes.fromhex(headers[HEADER][len("sha256=") :].decode())
        return Arrival(guid.decode(), name, action, body, self._wanted(name, action), fingerprint=signature)


def _action(event: str, body: bytes) -> str | None:
    try:
        glance = _glance.decode(body)
        str(body, "utf-8")  # what msgspec skips it does not check
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise Refused(400, "not a JSON object") from exc
    needed, foreign = _SHAPES.get(event, ((), ()))
    if not all(map(glance.__getattribute__, needed)) or any(map(glance.__getattribute__, foreign)):
        raise Refused(400, "not a payload of this event")
    if glance.action is not None and not isinstance(glance.action, str):
        raise Refused(400, "action is not a text")
    return glance.action


async def _answer(send: Send, code: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    if code == 503:
        headers.append((b"retry-after", RETRY_AFTER))
    if code == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
