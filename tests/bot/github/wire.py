"""The bot's policy over httpx, so that respx can play GitHub; time that passes only when somebody sleeps."""

import asyncio

import gidgethub.httpx
import httpx

from bot.github.answers import Answer
from bot.github.gate import Gate
from bot.github.policy import Policy, Terms

API = "https://api.github.com"


class FakeTime:
    """A clock that sleeping moves, and what was slept."""

    def __init__(self, now=1_800_000_000.0):
        self.now = now
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class RespxGitHub(Policy, gidgethub.httpx.GitHubAPI):
    """The policy over httpx."""

    unreachable = (httpx.TransportError,)

    async def _send(self, method, url, headers, body):
        return Answer(*await gidgethub.httpx.GitHubAPI._request(self, method, url, headers, body))

    async def _download(self, url, keep):
        return (await self._client.get(url)).content[-keep:]


class RespxWire:
    """Clients over one httpx session."""

    def __init__(self):
        self.session = httpx.AsyncClient(verify=False)  # nothing leaves respx, and loading the roots takes 50 ms

    def connect(self, terms, roots):
        return RespxGitHub(self.session, terms=terms, roots=roots)

    async def close(self):
        await self.session.aclose()


def late(answer):
    """Make an answer that lets others run first; `answer` is given or made from the request."""

    async def answered(request):
        for _ in range(5):
            await asyncio.sleep(0)
        return answer(request) if callable(answer) else answer

    return answered


def terms(time, credentials, **more):
    """Terms of a client that lives in this time, without jitter."""
    gate = Gate(time, time.sleep)
    return Terms(credentials=credentials, gate=gate, clock=time, sleep=time.sleep, jitter=lambda: 0.0, **more)
