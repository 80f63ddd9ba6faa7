"""How GitHub is asked: credentials, deadlines, repeats and limits, around one exchange.

A mixin over gidgethub's abstract client, so that the same policy runs over aiohttp in production and over httpx
in tests; gidgethub's own hooks see neither transport errors nor GraphQL, and resend an old token.
"""

import abc
import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from gidgethub import GraphQLException, QueryError
from gidgethub.abc import GitHubAPI

from bot.github.answers import RENAMED, Answer, Limited, Uncertain, objection, server_time
from bot.github.credentials import Credentials
from bot.github.gate import Gate, Sleep
from bot.github.meter import Meter
from bot.github.roots import Roots
from runtime.clock import Clock, system_clock
from runtime.errors import ForgeRefused, GoneFromForge

USER_AGENT = "agent-orchestrator"
API_VERSION = "2022-11-28"
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
REPEAT_AFTER = (1.0, 4.0, 9.0)
LIMITS_IN_A_ROW = 3
APPEARS_AFTER = (1.5, 3.5)


@dataclass(kw_only=True)
class Terms:
    """What one client of the policy works with; clients of one installation share a gate."""

    credentials: Credentials
    gate: Gate
    meter: Meter = field(default_factory=Meter)
    clock: Clock = system_clock
    sleep: Sleep = asyncio.sleep
    jitter: Callable[[], float] = random.random
    timeout: float = 30.0
    """Seconds for one try; above the 10 s in which GitHub ends a request, so that a late one is not still running."""


class Policy(GitHubAPI):
    """gidgethub's client, raising only the tree of `runtime.errors`."""

    unreachable: tuple[type[Exception], ...] = (OSError,)
    """What the transport raises when there was no whole answer."""

    def __init__(self, *args: Any, terms: Terms, roots: Roots) -> None:
        self.terms = terms
        self.roots = roots
        super().__init__(*args, USER_AGENT, base_url=roots.rest)  # type: ignore[call-arg]  # the transport's own argument comes first

    @abc.abstractmethod
    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Exchange one request for one answer, following no redirect."""

    @abc.abstractmethod
    async def _download(self, url: str, keep: int) -> bytes:
        """Fetch an address without credentials and return its last `keep` bytes."""

    async def sleep(self, seconds: float) -> None:
        """Sleep as the terms say."""
        await self.terms.sleep(seconds)

    async def eventually(self, url: str) -> Any:
        """GET what a delivery has just named: a 404 is asked again twice, GitHub's replicas may lag."""
        for pause in APPEARS_AFTER:
            try:
                return await self.getitem(url)
            except GoneFromForge:
                await self.sleep(pause)
        return await self.getitem(url)

    async def pages(self, url: str, *, key: str | None = None, most: int = 10) -> AsyncIterator[Any]:
        """Yield the items of a listing, at most `most` pages of it."""
        following: str | None = url
        for _ in range(most):
            if following is None:
                return
            data, following, _ = await self._make_request("GET", following, {}, b"", "application/vnd.github+json")
            for item in data[key] if key else data:  # type: ignore[call-overload]  # gidgethub types data as bytes
                yield item

    async def query(self, text: str, **variables: Any) -> Any:
        """Ask GraphQL; where GitHub may not show a part, the rest is returned with None in its place."""
        try:
            return await self.graphql(text, endpoint=self.roots.graphql, **variables)
        except QueryError as exc:
            if data := exc.response.get("data"):
                return data
            raise ForgeRefused(f"GitHub refused a query: {exc}", status=200) from exc
        except (GraphQLException, ValueError) as exc:
            raise Uncertain(f"GitHub's answer cannot be read: {type(exc).__name__}") from exc

    async def end_of_download(self, url: str, *, keep: int) -> bytes:
        """Return the last bytes of what an address redirects to; the target never sees our credentials."""
        answer = await self._exchange("GET", f"{self.roots.rest}{url}", {"user-agent": USER_AGENT}, b"")
        if answer.status != 302:
            return answer.body[-keep:]
        return await self._download(urljoin(self.roots.rest, answer.headers["location"]), keep)

    async def _make_request(self, *args: Any, **kwargs: Any) -> tuple[bytes, str | None, int]:
        try:
            return await super()._make_request(*args, **kwargs)
        except ValueError as exc:  # a proxy's HTML under a JSON content type, or half an answer
            raise Uncertain(f"GitHub's answer cannot be read: {type(exc).__name__}") from exc

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        answer = await self._exchange(method, url, headers, body)
        if 300 <= answer.status < 400:
            raise ForgeRefused(f"GitHub redirected {method} {urlsplit(url).path}", status=answer.status)
        return answer

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Repeat, wait, renew and follow as the policy allows; whatever else is wrong is raised."""
        repeats = list(REPEAT_AFTER) if method in REPEATABLE else []
        limits = renewals = moves = 0
        while True:
            try:
                answer = await self._attempt(method, url, headers, body)
            except Limited:
                limits += 1
                if limits >= LIMITS_IN_A_ROW:
                    raise
            except Uncertain:
                if not repeats:
                    raise
                await self.sleep(repeats.pop(0) + self.terms.jitter())
            except ForgeRefused as exc:
                renewals += 1
                if exc.status != 401 or renewals > 1 or not self.terms.credentials.renew():
                    raise
            else:
                moves += 1
                if answer.status not in RENAMED or moves > 3:
                    return answer
                url = self._new_address(url, answer)

    def _new_address(self, url: str, answer: Answer) -> str:
        """Return where a renamed repository answers now; our credentials go to no other origin."""
        target = urljoin(url, answer.headers.get("location", ""))
        if urlsplit(target)[:2] != urlsplit(self.roots.rest)[:2]:
            raise ForgeRefused(f"GitHub redirected {urlsplit(url).path} to another host", status=answer.status)
        return target

    async def _attempt(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        terms, request = self.terms, f"{method} {urlsplit(url).path}"
        complete = dict(headers) | {"x-github-api-version": API_VERSION}
        if (authorization := await terms.credentials.header()) is not None:
            complete["authorization"] = authorization
        async with terms.gate.slots:
            await terms.gate.enter()
            try:
                async with asyncio.timeout(terms.timeout):
                    answer = Answer(*await self._send(method, url, complete, body))
            except TimeoutError as exc:
                terms.meter.count(method, "timeout")
                raise Uncertain(f"GitHub did not answer {request} within {terms.timeout:.0f} s") from exc
            except self.unreachable as exc:
                terms.meter.count(method, "unreachable")
                raise Uncertain(f"GitHub is unreachable: {request}: {type(exc).__name__}") from exc
            return self._judged(answer, method, request)

    def _judged(self, answer: Answer, method: str, request: str) -> Answer:
        terms = self.terms
        terms.gate.heard(answer)
        terms.meter.count(method, str(answer.status), terms.gate.remaining)
        terms.credentials.server_said(server_time(answer, terms.clock()))
        problem = objection(answer, request)
        if isinstance(problem, Limited):
            problem.after = terms.gate.limited(answer)
        if problem is not None:
            raise problem
        return answer
