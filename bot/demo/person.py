"""A person at work on GitHub: what they would click or type, done through the REST API with their own token."""

import json
import shlex
from typing import Any

import aiohttp


class Failed(Exception):
    """GitHub refused what the person wanted to do."""


class Person:
    """One login; `repo` is `owner/name`."""

    def __init__(self, http: aiohttp.ClientSession, url: str, repo: str, login: str, token: str) -> None:
        self.login = login
        self.repo = repo
        self._http = http
        self._root = url
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": f"{login} at the demo"}

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the answer to one request below the repository; raise `Failed` with what GitHub said."""
        url = f"{self._root}/repos/{self.repo}{path}"
        async with self._http.request(method, url, json=body, headers=self._headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise Failed(f"{method} {path} as {self.login}: {answer.status} {text[:300]}")
            return await answer.json() if text else None

    async def get(self, path: str) -> Any:
        """Return an object or the first page of a list."""
        return await self.ask("GET", path)

    def curl(self, path: str, body: dict[str, Any]) -> str:
        """Return a line for a shell that sends what `ask` would, and prints the status of the answer."""
        parts = ["-H", f"Authorization: {self._headers['Authorization']}", "-d", json.dumps(body)]
        url = f"{self._root}/repos/{self.repo}{path}"
        return shlex.join(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}\\n", url, *parts])

    async def open_issue(self, title: str, body: str) -> int:
        """Open an issue and return its number."""
        made = await self.ask("POST", "/issues", {"title": title, "body": body})
        return int(made["number"])

    async def label(self, issue: int, name: str) -> None:
        """Put a label on an issue."""
        await self.ask("POST", f"/issues/{issue}/labels", {"labels": [name]})

    async def comment(self, number: int, body: str) -> int:
        """Comment on an issue or pull request and return the comment's id."""
        made = await self.ask("POST", f"/issues/{number}/comments", {"body": body})
        return int(made["id"])

    async def review(self, number: int, event: str, body: str, comments: list[dict[str, Any]] | None = None) -> None:
        """Review a pull request with all its inline comments at once."""
        review = {"event": event, "body": body, "comments": comments or []}
        await self.ask("POST", f"/pulls/{number}/reviews", review)

    async def merge(self, number: int) -> None:
        """Merge a pull request."""
        await self.ask("PUT", f"/pulls/{number}/merge", {})
