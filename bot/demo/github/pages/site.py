"""The pages' routes: repositories, issues, pull requests, checks, and the two forms of an app's set-up."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.demo.github import commits, git, mergeability
from bot.demo.github.pages import timeline, words
from bot.demo.github.people import Json
from bot.demo.github.records import CheckRun, Issue, Repository
from bot.demo.github.refusals import Refusal
from bot.demo.github.routes.control import find_run
from bot.demo.github.routes.pulls import start_of
from bot.demo.github.shapes.pulls import pull_of
from bot.demo.github.world import World, issue_of

HERE = Path(__file__).parent
REFRESH = 3
HEX = re.compile(r"[0-9a-fA-F]{6}")


class Pages:
    """The templates over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.jinja = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True)
        self.jinja.filters |= {
            "ago": lambda moment: words.ago(moment, world.now()),
            "emoji": lambda content: words.EMOJI[content],
            "hex": lambda color: color if HEX.fullmatch(color) else "ededed",
            "hunk": words.hunk_lines,
            "ink": words.ink,
            "markdown": words.markdown,
        }

    def show(self, name: str, request: Request, *, status: int = 200, refresh: bool = True, **things: Any) -> Response:
        """A page; `?still` keeps it from reloading itself."""
        nonce = secrets.token_urlsafe(12)
        again = REFRESH if refresh and "still" not in request.query_params else 0
        page = self.jinja.get_template(name).render(nonce=nonce, refresh=again, url=self.world.url, **things)
        return HTMLResponse(page, status, _safe(nonce))

    def routes(self) -> list[Route]:
        """All of them; those under `/_pages` are other content than the API's at the same address."""
        pages: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/_pages/": self.home,
            "/{owner}/{repo}": self.repository,
            "/{owner}/{repo}/issues/{number:int}": self.issue,
            "/{owner}/{repo}/pull/{number:int}": self.issue,
            "/{owner}/{repo}/pull/{number:int}/files": self.files,
            "/{owner}/{repo}/runs/{id:int}": self.run,
        }
        files = [Route(f"/_pages/{name}", _file(HERE / name)) for name in ("style.css", "icon.svg")]
        return files + [Route(path, self._guarded(page), methods=["GET"]) for path, page in pages.items()]

    def _guarded(self, page: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            try:
                return await page(request)
            except Refusal as refusal:
                words_of_it = {"heading": f"{refusal.status}", "text": refusal.message, "button": "Back"}
                return self.show("form.html", request, status=refusal.status, refresh=False, **words_of_it)

        return serve

    def _repository(self, request: Request) -> Repository:
        return self.world.repository(f"{request.path_params['owner']}/{request.path_params['repo']}")

    async def home(self, request: Request) -> Response:
        """All repositories."""
        return self.show("home.html", request, repositories=list(self.world.repositories.values()))

    async def repository(self, request: Request) -> Response:
        """Issues, pull requests and files of a repository."""
        repo = self._repository(request)
        newest = sorted(repo.issues.values(), key=lambda issue: -issue.number)
        listing = await git.git(repo.path, "ls-tree", "-r", "--name-only", repo.default_branch)
        things: Json = {
            "repo": repo,
            "labels": repo.labels,
            "pulls": [issue for issue in newest if issue.pull],
            "issues": [issue for issue in newest if not issue.pull],
            "runs": lambda issue: timeline.latest(repo.runs(pull_of(issue).head_sha)),
            "files": listing.splitlines()[:200],
        }
        return self.show("repository.html", request, **things)

    async def issue(self, request: Request) -> Response:
        """An issue, or a pull request with its reviews and checks."""
        repo, number = self._repository(request), request.path_params["number"]
        issue = issue_of(repo, number)
        if issue.pull and "/issues/" in request.url.path:
            return RedirectResponse(f"/{repo.full_name}/pull/{number}", 302)
        entries = timeline.entries(repo, issue)
        users = [issue.user, *(entry.user for entry in entries)]
        things: Json = {
            "repo": repo,
            "issue": issue,
            "pull": issue.pull,
            "entries": entries,
            "labels": repo.labels,
            "participants": list({user.id: user for user in users}.values()),
            "role": lambda user: timeline.role(repo, user),
            "counted": timeline.counted,
            "runs": lambda sha: timeline.latest(repo.runs(sha)),
            "statuses": lambda sha: mergeability.latest_statuses(repo, sha),
            "decision": mergeability.review_decision(repo, issue.pull) if issue.pull else None,
            "opinions": mergeability.latest_opinions(issue.pull) if issue.pull else [],
            "mood": _mood(repo, issue),
        }
        return self.show("issue.html", request, **things)

    async def files(self, request: Request) -> Response:
        """The files that a pull request changes."""
        repo = self._repository(request)
        issue = issue_of(repo, request.path_params["number"])
        if issue.pull is None:
            raise Refusal(404, "This is an issue, not a pull request.")
        changes = await commits.difference(repo.path, await start_of(repo, issue.pull), issue.pull.head_sha)
        return self.show("files.html", request, repo=repo, issue=issue, changes=changes)

    async def run(self, request: Request) -> Response:
        """A check run with its log."""
        repo, run = find_run(self.world, request.path_params["id"])
        return self.show("run.html", request, repo=repo, run=run, refresh=_unfinished(run))


def _unfinished(run: CheckRun) -> bool:
    return run.status != "completed"


def _mood(repo: Repository, issue: Issue) -> str:
    if issue.pull is None:
        return ""
    if issue.pull.merged_at:
        return "merged"
    state = mergeability.rollup(repo, issue.pull.head_sha)
    if state in ("FAILURE", "ERROR") or issue.pull.mergeable is False:
        return "bad"
    return "running" if state == "PENDING" else "good"


def _safe(nonce: str) -> dict[str, str]:
    own = f"default-src 'none'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; base-uri 'none'"
    policy = f"{own}; form-action *; frame-ancestors 'none'"
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return FileResponse(path)

    return serve
