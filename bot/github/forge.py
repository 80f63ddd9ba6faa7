"""What sessions ask of GitHub directly."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.github.gh_reads import allowed_read
from bot.github.hub import Hub
from bot.github.marker import MARKER, marked
from runtime.errors import ForgeRefused, GoneFromForge
from runtime.facts import PullRequest
from runtime.git import Remote
from runtime.ports import Issue, Pull, ReviewComment
from runtime.redact import Redactor

LOG_LINES = 120
LOG_BYTES = 256 * 1024
ANNOTATIONS = 20
# what GitHub Actions puts before each line, and colours
_NOISE = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z |\x1b\[[0-9;?]*[A-Za-z]", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class GitHubForge:
    """The port `runtime.ports.Forge` over GitHub's REST API."""

    def __init__(self, hub: Hub, *, redact: Redactor) -> None:
        self._hub = hub
        self._redact = redact

    async def remote(self, repo: str) -> Remote:
        """Return how git reaches `repo` now."""
        client = await self._hub.of(repo)
        return Remote.with_token(self._hub.roots.clone(repo), await client.terms.credentials.secret())

    def clone_url(self, repo: str) -> str:
        """Return the address of `repo` for git, without a credential."""
        return self._hub.roots.clone(repo)

    async def default_branch(self, repo: str) -> str:
        """Return the branch that pull requests are made against."""
        return str((await self._get(repo, ""))["default_branch"])

    async def pull_request(self, repo: str, number: int) -> PullRequest:
        """Return the pull request as it is now."""
        client = await self._hub.of(repo)
        return pull_request(await client.eventually(f"/repos/{quote(repo)}/pulls/{int(number)}"))

    async def issue(self, repo: str, number: int) -> Issue:
        """Return the issue as it is now."""
        data = await self._get(repo, f"/issues/{int(number)}")
        return Issue(
            number=data["number"], title=data["title"], body=data["body"] or "", state=data["state"],
            url=data["html_url"], author=(data.get("user") or {}).get("login", ""),
            is_pull="pull_request" in data,
        )  # fmt: skip

    async def pull(self, repo: str, number: int) -> Pull:
        """Return the pull request as it is now; a branch whose repository is gone counts as another's."""
        data = await self._get(repo, f"/pulls/{int(number)}")
        head, base = data["head"].get("repo"), data["base"]["repo"]
        same = head is not None and head["id"] == base["id"]
        return Pull(now=pull_request(data), body=data["body"] or "", same_repository=same)

    async def review_comments(self, repo: str, number: int, review_id: int) -> list[ReviewComment]:
        """Return the comments of one review.

        They come from the pull request's list: the review's own list says nothing about lines.
        """
        client = await self._hub.of(repo)
        listing = f"/repos/{quote(repo)}/pulls/{int(number)}/comments?per_page=100&sort=created&direction=desc"
        found = [
            review_comment(one) async for one in client.pages(listing) if one["pull_request_review_id"] == review_id
        ]
        return sorted(found, key=lambda one: one.id)

    async def failed_log(self, repo: str, check_run_id: int) -> str:
        """Return annotations and the end of the log; for GitHub Actions a check run's id is its job's."""
        parts = [await self._annotations(repo, check_run_id), await self._log(repo, check_run_id)]
        return "\n\n".join(part for part in parts if part)

    async def gh_read(self, repo: str, path: str) -> Any:
        """Return one allowed GET as data."""
        client = await self._hub.of(repo)
        return await client.getitem(allowed_read(repo, path), None)

    async def edit_pull_request(
        self, repo: str, number: int, *, title: str | None = None, body: str | None = None
    ) -> None:
        """Change title or text, keeping the hidden marker by which the pull request is known as ours."""
        data = {} if title is None else {"title": self._redact(title, most=256)}
        if body is not None:
            now = await self._get(repo, f"/pulls/{int(number)}")
            mark = MARKER.search(now["body"] or "")
            text = self._redact(body)
            data["body"] = marked(text, mark[0]) if mark else text
        if data:
            client = await self._hub.of(repo)
            await client.patch(f"/repos/{quote(repo)}/pulls/{int(number)}", data=data)

    async def _get(self, repo: str, path: str) -> Any:
        client = await self._hub.of(repo)
        return await client.getitem(f"/repos/{quote(repo)}{path}")

    async def _annotations(self, repo: str, check_run_id: int) -> str:
        client = await self._hub.of(repo)
        listing = f"/repos/{quote(repo)}/check-runs/{int(check_run_id)}/annotations?per_page={ANNOTATIONS}"
        try:
            found = [one async for one in client.pages(listing, most=1)]
        except (GoneFromForge, ForgeRefused):
            return ""
        return "\n".join(_clean(f"{a['path']}:{a['start_line']}: {a['message']}") for a in found)[:LOG_BYTES]

    async def _log(self, repo: str, job_id: int) -> str:
        client = await self._hub.of(repo)
        try:
            log = await client.end_of_download(f"/repos/{quote(repo)}/actions/jobs/{int(job_id)}/logs", keep=LOG_BYTES)
        except (GoneFromForge, ForgeRefused):
            return ""
        return "\n".join(_clean(log.decode("utf-8", "replace")).splitlines()[-LOG_LINES:])


def _clean(text: str) -> str:
    return _CONTROL.sub("", _NOISE.sub("", text.replace("\r\n", "\n")))


def pull_request(data: Any) -> PullRequest:
    """Read GitHub's pull request, as REST and webhooks show it."""
    return PullRequest(
        at=datetime.fromisoformat(data["updated_at"]).timestamp(), number=data["number"], url=data["html_url"],
        title=data["title"], state="merged" if data.get("merged_at") else data["state"], draft=bool(data.get("draft")),
        head_ref=data["head"]["ref"], head_sha=data["head"]["sha"], base_ref=data["base"]["ref"],
        mergeable=data.get("mergeable"), merge_sha=(data.get("merged_at") and data.get("merge_commit_sha")) or "",
        merged_by=(data.get("merged_by") or {}).get("login", ""),
    )  # fmt: skip


def review_comment(data: Any) -> ReviewComment:
    """Read GitHub's review comment; people who left GitHub are its `ghost`."""
    return ReviewComment(
        id=data["id"], path=data["path"], line=data.get("line"), side=data.get("side") or "RIGHT", body=data["body"],
        diff_hunk=data["diff_hunk"], in_reply_to=data.get("in_reply_to_id"),
        author=(data["user"] or {}).get("login", "ghost"), url=data["html_url"],
    )  # fmt: skip
