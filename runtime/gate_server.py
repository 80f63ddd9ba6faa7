"""The service's end of a session's gate: a Unix socket on which the receive hook and the shims `gh` and `ao` ask.

One request is one line of JSON, and so is its answer:

    {"id": "…", "do": "push", "updates": [{"old": "<sha>", "new": "<sha>", "ref": "refs/heads/…"}], "quarantine": "…"}
    {"id": "…", "do": "fetch"}
    {"id": "…", "do": "gh", "command": "pr create", "options": {"title": "…", "body": "…", "draft": true}}
    {"id": "…", "do": "ao", "command": "report", "options": {"state": "working", "note": "…"}}
    → {"ok": true, "text": "what the terminal shows", "exit": 0}

Commands of `gh`, with their options (all optional unless marked; `repo` may be given with each but `api`):
`pr create` title (always there), body, base, head, draft; `pr edit` target, title, body; `pr view` target, json,
comments; `pr checks` target, json, required; `pr diff` target, json, name_only, patch; `issue view` target, json,
comments; `run view` target, json, log, log_failed, verbose; `api` path (always there), paginate. `target` is what the
agent wrote (a number, a branch, an address), `json` a list of field names.

Commands of `ao`: `report` state, note; `acknowledge`; `status` json; `send` session, text; `spawn` prompt or
issue, agent.

Everything in a request was written by an agent. A request that was cut off comes again with the same id: while the
service lives it gets the first one's answer, after a restart the handler runs again.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import msgspec

from runtime import disk
from runtime.errors import Retryable, StoreBusy, UserError

log = logging.getLogger(__name__)

LONGEST_REQUEST = 1 << 20
AT_ONCE = 16
REMEMBERED = 64
_READ_WITHIN = 10.0

MALFORMED = "The request could not be understood; use `git push` and the `gh` that is in PATH."
BUSY = "Too many requests at once; run the same command again in a moment."
TRY_AGAIN = "The forge cannot be reached now and nothing was done; run the same command again in a minute."
CANNOT_STORE = "The orchestrator cannot store anything now; run the same command again in a minute."
BROKEN = "That failed inside the orchestrator and is in its log; go on with other work and mention it when you finish."

Sha = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]
Id = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z-]{8,64}$")]


class Update(msgspec.Struct, frozen=True):
    """One ref that a push changes; forty zeros stand for no commit."""

    old: Sha
    new: Sha
    ref: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class PushRequest(msgspec.Struct, frozen=True, tag_field="do", tag="push"):
    """The agent pushed to its gate and waits for the outcome."""

    id: Id
    updates: Annotated[tuple[Update, ...], msgspec.Meta(min_length=1, max_length=100)]
    quarantine: str | None = None


class FetchRequest(msgspec.Struct, frozen=True, tag_field="do", tag="fetch"):
    """The agent fetches from its gate and should see the forge as it is now."""

    id: Id


class GhRequest(msgspec.Struct, frozen=True, tag_field="do", tag="gh"):
    """The agent ran an allowed `gh` command."""

    id: Id
    command: str
    options: dict[str, str | bool | list[str]] = {}


class AoRequest(msgspec.Struct, frozen=True, tag_field="do", tag="ao"):
    """The agent ran an allowed `ao` command."""

    id: Id
    command: str
    options: dict[str, str | bool] = {}


Request = PushRequest | GhRequest | AoRequest


class Answer(msgspec.Struct, frozen=True):
    """What the agent's terminal shows, and the exit code."""

    ok: bool
    text: str
    exit: int

    @classmethod
    def done(cls, text: str) -> "Answer":
        """Return the answer to a request that was carried out."""
        return cls(True, text, 0)

    @classmethod
    def refused(cls, text: str) -> "Answer":
        """Return the answer to a request that was not; the text says what to do instead."""
        return cls(False, text, 1)


Handler = Callable[[Request], Awaitable[Answer]]
"""Carries a request out; a UserError's text is shown to the agent."""


class GateServer:
    """Listens on `<directory>/gate.sock` for one session; `freshen` brings its gate up to date with the forge."""

    def __init__(
        self, directory: Path, handler: Handler, *, freshen: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._path = directory / "gate.sock"
        self._handler = handler
        self._freshen = freshen
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._answers: dict[str, asyncio.Task[Answer]] = {}

    async def start(self) -> None:
        """Listen; a socket that a killed service left is replaced in one step."""
        draft = self._path.with_suffix(".new")
        for place in (draft, self._path):
            if disk.is_own_directory(place):
                disk.remove_tree(place)
        draft.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(draft))
        draft.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._connected, sock=listening, limit=LONGEST_REQUEST)
        draft.replace(self._path)

    async def close(self) -> None:
        """Stop listening and drop what is running; the agent's side asks again when there is a server again."""
        if self._server is None:
            return
        self._server.close()
        self._path.unlink(missing_ok=True)
        tasks = [*self._open, *self._answers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._server, self._answers = None, {}

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine callback always runs in a task
        self._open.add(task)
        try:
            answer = await self._hear(reader) if len(self._open) <= AT_ONCE else Answer.refused(BUSY)
            writer.write(msgspec.json.encode(answer) + b"\n")
            await writer.drain()
        except OSError:
            log.debug("the agent's side went away before its answer")
        except asyncio.CancelledError:
            log.debug("closing before an answer was found")
        finally:
            self._open.discard(task)
            writer.close()

    async def _hear(self, reader: asyncio.StreamReader) -> Answer:
        """Return the answer to the request on this connection; the request goes on if the connection breaks."""
        try:
            async with asyncio.timeout(_READ_WITHIN):
                request = msgspec.json.decode(await reader.readline(), type=Request | FetchRequest)
        except (ValueError, TimeoutError, RecursionError):
            return Answer.refused(MALFORMED)
        if request.id not in self._answers:
            self._forget_old_answers()
            self._answers[request.id] = asyncio.create_task(self._answer(request))
        return await asyncio.shield(self._answers[request.id])

    async def _answer(self, request: Request | FetchRequest) -> Answer:
        try:
            if not isinstance(request, FetchRequest):
                return await self._handler(request)
            if self._freshen is not None:
                await self._freshen()
            return Answer.done("")
        except UserError as error:
            answer = Answer.refused(str(error))
        except StoreBusy:
            answer = Answer.refused(CANNOT_STORE)
        except Retryable:
            answer = Answer.refused(TRY_AGAIN)
        except Exception:
            log.exception("a request of an agent failed", extra={"gate": str(self._path), "request_id": request.id})
            answer = Answer.refused(BROKEN)
        return answer

    def _forget_old_answers(self) -> None:
        finished = [key for key, task in self._answers.items() if task.done()]
        for key in finished[: max(0, len(finished) - REMEMBERED)]:
            del self._answers[key]
