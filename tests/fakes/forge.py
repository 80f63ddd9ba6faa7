"""What the bot asks GitHub for, answered from the same state that the deliveries describe."""

from typing import Any

from runtime.errors import GoneFromForge
from runtime.facts import PullRequest
from runtime.git import Remote
from runtime.ports import Issue, ReviewComment
from runtime.ports import Pull as PullNow
from tests.fakes.github import GitHub, Pull

BOT = "ao[bot]"
MARK = "<!-- ao:"


class FakeForge:
    """Implements `runtime.ports.Forge`; `broken` is raised by every read."""

    def __init__(self, github: GitHub) -> None:
        self.github = github
        self.broken: Exception | None = None
        self.asked: list[str] = []
        self.edited: list[tuple[str | None, str | None]] = []
        self.paths: dict[str, Any] = {}

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.broken is not None:
            raise self.broken

    async def remote(self, repo: str) -> Remote:
        return Remote(url=f"https://gh/{repo}.git")

    def clone_url(self, repo: str) -> str:
        return f"https://gh/{repo}.git"

    async def default_branch(self, repo: str) -> str:
        return "main"

    async def pull_request(self, repo: str, number: int) -> PullRequest:
        self._ask("pull_request")
        return as_fact(self.github.pulls[number])

    async def issue(self, repo: str, number: int) -> Issue:
        self._ask("issue")
        known = self.github.issues | self.github.pulls
        if number not in known:
            raise GoneFromForge(f"GET /repos/{repo}/issues/{number}: not found")
        found, url = known[number], f"https://gh/issues/{number}"
        if isinstance(found, Pull):
            return Issue(number, "A pull request", found.body, found.state, url, "maintainer", is_pull=True)
        return Issue(number, found.title, found.body or "", found.state, url, "maintainer")

    async def pull(self, repo: str, number: int) -> PullNow:
        self._ask("pull")
        if number not in self.github.pulls:
            raise GoneFromForge(f"GET /repos/{repo}/pulls/{number}: not found")
        found = self.github.pulls[number]
        return PullNow(as_fact(found), found.body, same_repository=not found.fork)

    async def review_comments(self, repo: str, number: int, review_id: int) -> list[ReviewComment]:
        self._ask("review_comments")
        return [
            ReviewComment(**one, side="RIGHT", diff_hunk="", url="https://gh/rc")
            for one in self.github.reviews[review_id]
        ]

    async def failed_log(self, repo: str, check_run_id: int) -> str:
        self._ask("failed_log")
        return self.github.logs[check_run_id]

    async def gh_read(self, repo: str, path: str) -> Any:
        self._ask(path)
        if path not in self.paths:
            raise GoneFromForge(f"GET /{path}: not found")
        return self.paths[path]

    async def edit_pull_request(
        self, repo: str, number: int, *, title: str | None = None, body: str | None = None
    ) -> None:
        self.edited.append((title, body))


class FakePeople:
    """Implements `handlers.context.People`; with `token`, the bot shares the maintainer's login."""

    def __init__(self, github: GitHub) -> None:
        self.github = github
        self.token = False
        self.broken: Exception | None = None
        self.asked: list[str] = []

    async def may_write(self, repo: str, login: str) -> bool:
        self.asked.append(login)
        if self.broken is not None:
            raise self.broken
        return self.github.roles.get(login) in ("admin", "maintain", "write")

    async def trusts(self, repo: str, login: str) -> bool:
        return login == BOT or (not login.endswith("[bot]") and await self.may_write(repo, login))

    async def is_own(self, login: str, body: str) -> bool:
        return MARK in body if self.token and login == "maintainer" else login == BOT

    async def is_mentioned(self, body: str) -> bool:
        return "@ao" in body


def as_fact(pull: Pull) -> PullRequest:
    state = "merged" if pull.merged_by else pull.state
    return PullRequest(
        at=pull.changed_at, number=pull.number, url=f"https://gh/pull/{pull.number}", title="Add a greeting",
        state=state, draft=pull.draft, head_ref=pull.branch, head_sha=pull.sha, base_ref="main",
        mergeable=pull.mergeable, merge_sha="m" * 40 if pull.merged_by else "", merged_by=pull.merged_by or "",
    )  # fmt: skip
