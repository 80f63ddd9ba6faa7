"""GitHub over aiohttp: the only module that knows gidgethub's aiohttp client."""

from collections.abc import Mapping
from contextlib import suppress

import aiohttp
import gidgethub.aiohttp

from bot.github.answers import Answer
from bot.github.policy import Policy, Terms
from bot.github.roots import Roots

LOG_LIMIT = 64 * 1024 * 1024
CHUNK = 64 * 1024


class GitHub(Policy, gidgethub.aiohttp.GitHubAPI):
    """The production client."""

    unreachable = (aiohttp.ClientError, OSError)

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        asked = self._session.request(method, url, headers=headers, data=body, allow_redirects=False)
        async with asked as response:
            return Answer(response.status, response.headers, await response.read())

    async def _download(self, url: str, keep: int) -> bytes:
        kept, seen = bytearray(), 0
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=self.terms.timeout)) as response:
                async for chunk in response.content.iter_chunked(CHUNK):
                    seen += len(chunk)
                    if response.status != 200 or seen > LOG_LIMIT:
                        break
                    kept = (kept + chunk)[-keep:]
        return bytes(kept)


class AiohttpWire:
    """One aiohttp session for the process, opened in the loop that first needs it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def connect(self, terms: Terms, roots: Roots) -> GitHub:
        """Return a client over the session."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        return GitHub(self._session, terms=terms, roots=roots)

    async def close(self) -> None:
        """Close the session; a later client opens a new one."""
        if self._session is not None:
            await self._session.close()
