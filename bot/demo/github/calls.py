"""One REST call: its table of routes, its caller, its body, and its answer with everything GitHub adds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request

from bot.demo.github import callers
from bot.demo.github.callers import Caller
from bot.demo.github.people import Json
from bot.demo.github.records import Issue, Repository
from bot.demo.github.refusals import Refusal, forbidden_to_app, not_found
from bot.demo.github.world import World, issue_of

Thing = TypeVar("Thing")


@dataclass
class Answer:
    """A status, what the body says (None for no body) and extra headers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body as sent."""
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()

    def etag(self, authorization: str) -> str:
        """A weak tag that changes with the token, as GitHub's does."""
        return f'W/"{hashlib.sha256(authorization.encode() + b"|" + self.encoded()).hexdigest()}"'


@dataclass
class Call:
    """A request that was let in."""

    world: World
    request: Request
    caller: Caller
    body: Json

    @property
    def repo(self) -> Repository:
        """The repository that the path names."""
        return self.world.repository(f"{self.text('owner')}/{self.text('repo')}")

    @property
    def issue(self) -> Issue:
        """The issue or pull request that the path names."""
        return issue_of(self.repo, self.number("number"))

    @property
    def pull(self) -> Issue:
        """The pull request that the path names, 404 for an issue."""
        issue = self.issue
        if issue.pull is None:
            raise not_found()
        return issue

    def text(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def number(self, name: str) -> int:
        """A part of the path that is a number, 404 otherwise."""
        text = self.text(name)
        if not text.isascii() or not text.isdigit():
            raise not_found()
        return int(text)

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.request.query_params.get(name, default)

    def string(self, name: str, *, resource: str, default: str | None = None) -> str:
        """A string of the body; 422 when it is missing without a default, or not a string."""
        value = self.body.get(name, default)
        if value is None or (value == "" and default is None):
            raise Refusal(422, "Validation Failed", [{"resource": resource, "code": "missing_field", "field": name}])
        if not isinstance(value, str):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {json.dumps(value)} is not a string.")
        return value

    def strings(self, name: str) -> list[str]:
        """A list of strings of the body, or of objects with a name; 422 for anything else."""
        values = self.body.get(name) or []
        names = [value.get("name") if isinstance(value, dict) else value for value in values]
        if not isinstance(values, list) or not all(isinstance(one, str) for one in names):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {json.dumps(values)} is not an array.")
        return [str(one) for one in names]

    def page(self, things: Iterable[Thing], shape: Callable[[Thing], Any], *, under: str = "") -> Answer:
        """One page of a list with its Link header; `under` puts it into an object with its total."""
        everything = list(things)
        per_page = min(max(_number(self.query("per_page"), 30), 1), 100)
        page = max(_number(self.query("page"), 1), 1)
        last = max((len(everything) + per_page - 1) // per_page, 1)
        shown = [shape(thing) for thing in everything[(page - 1) * per_page : page * per_page]]
        body: Any = {"total_count": len(everything), under: shown} if under else shown
        return Answer(200, body, self._links(page, last))

    def _links(self, page: int, last: int) -> dict[str, str]:
        wanted: dict[str, int] = {}
        if page < last:
            wanted |= {"next": page + 1, "last": last}
        if page > 1:
            wanted |= {"prev": page - 1, "first": 1}
        links = [f'<{self._address(number)}>; rel="{name}"' for name, number in wanted.items()]
        return {"Link": ", ".join(links)} if links else {}

    def _address(self, page: int) -> str:
        url = self.request.url.include_query_params(page=page)
        path = url.path
        if path.startswith("/repos/"):
            path = re.sub(r"^/repos/[^/]+/[^/]+", f"/repositories/{self.repo.id}", path)
        return f"{self.world.url}{path}?{url.query}"


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True)
class Rest:
    """A route: who may use it is `needs` for apps, `role` for people; `who` says which credentials it wants at all.

    `who` is `anyone`, `token` (a person or an installation), `app` (a JWT) or `installation`.
    """

    method: str
    path: str
    handle: Handler
    needs: str = ""
    role: str = "read"
    who: str = "anyone"


class Table:
    """The routes of one module, filled by its decorators."""

    def __init__(self) -> None:
        self.routes: list[Rest] = []

    def __call__(
        self, method: str, path: str, *, needs: str = "", role: str = "read", who: str = ""
    ) -> Callable[[Handler], Handler]:
        """Register a handler."""

        def register(handle: Handler) -> Handler:
            default = "token" if needs.endswith(":write") else "anyone"
            self.routes.append(Rest(method, path, handle, needs, role, who or default))
            return handle

        return register


def check_credentials(rest: Rest, caller: Caller) -> None:
    """Refuse the wrong kind of credentials for a route."""
    installed = caller.writing_app is not None
    if rest.who == "app" and caller.app is None:
        raise Refusal(401, "A JSON web token could not be decoded")
    if rest.who == "token" and caller.token is None:
        raise Refusal(401, "Requires authentication" if caller.app is None else "A JSON web token is not accepted here")
    if rest.who == "installation" and not installed:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    if rest.who == "person" and (caller.token is None or installed):
        raise forbidden_to_app() if installed else Refusal(401, "Requires authentication")


async def read_body(request: Request) -> Json:
    """The JSON object of a request; 400 for anything else."""
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refusal(400, "Problems parsing JSON") from error
    if isinstance(body, list):
        return {"": body}
    if not isinstance(body, dict):
        raise Refusal(400, "Body should be a JSON object")
    return body


def admit(world: World, rest: Rest, caller: Caller, params: Mapping[str, Any]) -> None:
    """Refuse callers who may not use this route, on this repository."""
    if "owner" in params and "repo" in params:
        repo = world.repository(f"{params['owner']}/{params['repo']}")
        if caller.app is None and not (rest.who == "installation" and caller.writing_app is None):
            callers.require(caller, repo, rest.needs, rest.role)
    check_credentials(rest, caller)


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else default
