"""GitHub as handlers see it: deliveries in its shape, trimmed to what is read, and the state that its API shows."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.fakes.clock import FakeClock

REPO = "octo/app"
SHA = "a" * 40


class Sent(NamedTuple):
    """One delivery on its way."""

    event: str
    payload: dict[str, Any]


@dataclass
class Issue:
    number: int
    title: str
    body: str | None
    state: str = "open"


@dataclass
class Pull:
    number: int
    branch: str
    sha: str
    body: str = ""
    fork: bool = False
    state: str = "open"
    draft: bool = False
    mergeable: bool | None = True
    merged_by: str | None = None
    changed_at: float = 0.0


@dataclass
class GitHub:
    """One repository with people in it; each method changes it and returns the delivery that GitHub would send."""

    clock: FakeClock
    roles: dict[str, str] = field(default_factory=lambda: {"maintainer": "maintain", "reviewer": "write"})
    issues: dict[int, Issue] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    logs: dict[int, str] = field(default_factory=dict)
    last: int = 0

    def number(self) -> int:
        self.last += 1
        return self.last

    def person(self, role: str) -> str:
        """Return a login with this role."""
        self.roles[f"some-{role}"] = role
        return f"some-{role}"

    def open_issue(self, title: str = "Add a greeting", body: str | None = "Say hello.") -> Issue:
        issue = Issue(self.number(), title, body)
        self.issues[issue.number] = issue
        return issue

    def label(self, issue: Issue, name: str = "agent", *, by: str = "maintainer") -> Sent:
        return self._issue(issue, "labeled", by, label={"name": name})

    def unlabel(self, issue: Issue, name: str = "agent", *, by: str = "maintainer") -> Sent:
        return self._issue(issue, "unlabeled", by, label={"name": name})

    def close(self, issue: Issue, *, by: str = "maintainer", why: str = "completed") -> Sent:
        issue.state = "closed"
        sent = self._issue(issue, "closed", by)
        sent.payload["issue"]["state_reason"] = why
        return sent

    def gone(self, issue: Issue, how: str, *, by: str = "maintainer") -> Sent:
        return self._issue(issue, how, by)

    def comment(self, on: Issue | Pull, body: str, *, by: str = "maintainer", type: str = "User") -> Sent:
        shape = self._shape(on) if isinstance(on, Issue) else self._as_issue(on)
        said = {"id": self.number(), "body": body, "user": {"login": by, "type": type}, "html_url": "https://gh/c"}
        return self._send("issue_comment", "created", by, issue=shape, comment=said, sender_type=type)

    def open_pull(self, branch: str = "ao/app-1", sha: str = SHA, *, body: str = "", fork: bool = False) -> Pull:
        pull = Pull(self.number(), branch, sha, body=body, fork=fork, changed_at=self._tick())
        self.pulls[pull.number] = pull
        return pull

    def pull(self, pull: Pull, action: str = "opened", *, by: str = "ao[bot]") -> Sent:
        return self._send("pull_request", action, by, pull_request=self._pull(pull))

    def merge(self, pull: Pull, *, by: str = "maintainer") -> Sent:
        pull.state, pull.merged_by, pull.changed_at = "closed", by, self._tick()
        return self.pull(pull, "closed", by=by)

    def review(
        self, pull: Pull, state: str, body: str | None = None, *comments: tuple[str, int | None, str],
        by: str = "reviewer", action: str = "submitted",
    ) -> Sent:  # fmt: skip
        """Review with comments of (path, line, text), each opening a thread of its own."""
        number = self.number()
        self.reviews[number] = [
            {"id": self.number(), "path": path, "line": line, "body": text, "author": by, "in_reply_to": None}
            for path, line, text in comments
        ]
        at = datetime.fromtimestamp(self._tick(), UTC).isoformat()
        said = {
            "id": number, "state": state, "body": body, "user": {"login": by}, "commit_id": pull.sha,
            "submitted_at": at,
        }  # fmt: skip
        return self._send("pull_request_review", action, by, review=said, pull_request=self._pull(pull))

    def check(
        self, name: str, conclusion: str | None, sha: str = SHA, *, branch: str | None = "ao/app-1", log: str = "",
        action: str = "completed", id: int | None = None,
    ) -> Sent:  # fmt: skip
        number = id or self.number()
        self.logs[number] = log
        run = {
            "id": number, "name": name, "head_sha": sha, "status": "completed" if conclusion else "in_progress",
            "conclusion": conclusion, "html_url": f"https://gh/{number}", "started_at": self._iso(),
            "completed_at": self._iso() if conclusion else None, "check_suite": {"head_branch": branch},
            "app": {"slug": "github-actions"},
        }  # fmt: skip
        return self._send("check_run", action, "github-actions[bot]", check_run=run)

    def suite(self, conclusion: str, sha: str = SHA, *, branch: str | None = "ao/app-1") -> Sent:
        suite = {
            "head_sha": sha, "head_branch": branch, "conclusion": conclusion, "updated_at": self._iso(),
            "app": {"slug": "github-actions"},
        }  # fmt: skip
        return self._send("check_suite", "completed", "github-actions[bot]", check_suite=suite)

    def push(self, branch: str, sha: str = SHA, *messages: str, deleted: bool = False) -> Sent:
        commits = [{"id": sha, "message": message} for message in messages]
        body = {"ref": f"refs/heads/{branch}", "after": sha, "deleted": deleted, "commits": commits}
        return self._send("push", None, "somebody", **body)

    def _issue(self, issue: Issue, action: str, by: str, **more: Any) -> Sent:
        return self._send("issues", action, by, issue=self._shape(issue), **more)

    def _shape(self, issue: Issue) -> dict[str, Any]:
        user = {"login": "author"}
        return {
            "number": issue.number, "title": issue.title, "body": issue.body, "user": user, "labels": [],
            "state": issue.state, "updated_at": self._iso(),
        }  # fmt: skip

    def _as_issue(self, pull: Pull) -> dict[str, Any]:
        """Return a pull request as comments carry it: an issue with a link."""
        return {"number": pull.number, "title": "A pull request", "body": "", "pull_request": {"url": "https://gh"}}

    def _pull(self, pull: Pull) -> dict[str, Any]:
        head = {"id": 99, "full_name": "stranger/app"} if pull.fork else {"id": 1, "full_name": REPO}
        return {
            "number": pull.number, "title": "Add a greeting", "html_url": f"https://gh/pull/{pull.number}",
            "state": pull.state, "merged": pull.merged_by is not None, "draft": pull.draft, "body": pull.body,
            "mergeable": pull.mergeable, "merge_commit_sha": "m" * 40 if pull.merged_by else None,
            "updated_at": datetime.fromtimestamp(pull.changed_at, UTC).isoformat(),
            "merged_by": {"login": pull.merged_by} if pull.merged_by else None,
            "head": {"ref": pull.branch, "sha": pull.sha, "repo": head},
            "base": {"ref": "main", "sha": "b" * 40, "repo": {"id": 1, "full_name": REPO}},
        }  # fmt: skip

    def _send(self, event: str, action: str | None, by: str, *, sender_type: str = "", **parts: Any) -> Sent:
        self._tick()
        kind = sender_type or ("Bot" if by.endswith("[bot]") else "User")
        repository = {"id": 1, "full_name": REPO, "default_branch": "main"}
        about = {"repository": repository, "sender": {"login": by, "type": kind}, "installation": {"id": 7}}
        return Sent(event, {**({"action": action} if action else {}), **parts, **about})

    def _tick(self) -> float:
        self.clock.passes(1.0)
        return self.clock.now

    def _iso(self) -> str:
        return datetime.fromtimestamp(self._tick(), UTC).isoformat()
