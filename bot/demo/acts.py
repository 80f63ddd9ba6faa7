"""The acts of the story: what people do on GitHub, and what must then be true on GitHub and in the service.

An act returns what happened in a few words. Anything that is not so ends the story with `NotSo`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from bot.demo import project, traces
from bot.demo.stage import REPO, Stage

T = TypeVar("T")

PATIENCE = 40.0
PATIENCE_WITH_A_MODEL = 900.0


class NotSo(Exception):
    """Something that must be true did not become true in time."""


@dataclass
class Story:
    """What the acts so far have brought about."""

    stage: Stage
    patience: float = 0.0
    issue: int = 0
    pull: int = 0
    session: str = ""
    branch: str = ""
    worktree: Path = Path()
    attach: str = ""
    heads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Be as patient as the agent needs, unless told otherwise."""
        self.patience = self.patience or (PATIENCE if self.stage.agent == "scripted" else PATIENCE_WITH_A_MODEL)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Return the first true answer of `look`; ask again until then."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience
        while loop.time() < deadline:
            try:
                if found := await look():
                    return found
            except (aiohttp.ClientError, OSError):
                pass  # the service may be between two lives
            await asyncio.sleep(0.05)
        raise NotSo(f"{what}: not so after {self.patience:g} s\n{self.stage.service.last_words()}")

    async def view(self) -> dict[str, Any]:
        """Return the session as the service sees it."""
        found: dict[str, Any] = await self.stage.service.get(f"/api/v1/sessions/{self.session}")
        return found

    async def messages(self) -> list[dict[str, Any]]:
        """Return what the service has told the agent."""
        found: list[dict[str, Any]] = await self.stage.service.get(f"/api/v1/sessions/{self.session}/messages")
        return found

    async def head(self) -> str:
        """Return the newest commit of the pull request."""
        pull = await self.stage.maintainer.get(f"/pulls/{self.pull}")
        return str(pull["head"]["sha"])

    async def new_head(self) -> str | None:
        """Return the newest commit if it was not seen before."""
        head = await self.head()
        return None if head in self.heads else head

    async def bot_comments(self, number: int) -> list[str]:
        """Return what the bot has said on an issue or pull request."""
        comments = await self.stage.maintainer.get(f"/issues/{number}/comments")
        return [comment["body"] for comment in comments if comment["user"]["login"] == self.stage.bot_login]


async def label(story: Story) -> str:
    """A person opens an issue and labels it."""
    maintainer = story.stage.maintainer
    story.issue = await maintainer.open_issue(project.ISSUE_TITLE, project.ISSUE_BODY)
    await maintainer.label(story.issue, "agent")

    async def handled() -> bool:
        seen = await story.stage.service.get("/api/v1/deliveries")
        return any(one["event"] == "issues" and one["action"] == "labeled" and one["state"] == "done" for one in seen)

    await story.until("the delivery is accepted and handled", handled)
    return f"issue #{story.issue} “{project.ISSUE_TITLE}” labelled `agent`"


async def claim(story: Story) -> str:
    """The bot reacts, claims the issue, and an agent starts in a terminal."""

    async def eyes() -> bool:
        found = await story.stage.maintainer.get(f"/issues/{story.issue}/reactions")
        return [one["content"] for one in found if one["user"]["login"] == story.stage.bot_login] == ["eyes"]

    async def running() -> dict[str, Any] | None:
        found = (await story.stage.service.get("/api/v1/sessions"))["sessions"]
        live = [one for one in found if one["issueId"] == str(story.issue)]
        return live[0] if live and live[0]["activity"] and live[0]["attachCommand"] else None

    await story.until("the bot reacts with eyes", eyes)
    view = await story.until("an agent runs in a terminal", running)
    story.session, story.attach, story.branch = view["name"], view["attachCommand"], view["branch"]
    story.worktree = Path(view["workspacePath"])
    if not (story.worktree / "names.py").exists():
        raise NotSo(f"{story.worktree} holds no checkout")
    return f"👀, `{story.session}` works on `{view['branch']}` in a worktree of its own"


async def open_pull(story: Story) -> str:
    """The agent pushes through the gate and opens a pull request through the shim."""

    async def opened() -> dict[str, Any] | None:
        pulls = await story.stage.maintainer.get("/pulls?state=all")
        return pulls[0] if pulls else None

    pull = await story.until("the agent opens a pull request", opened)
    story.pull = pull["number"]
    story.heads.append(pull["head"]["sha"])
    if pull["user"]["login"] != story.stage.bot_login:
        raise NotSo(f"the pull request was opened by {pull['user']['login']}, not by the bot")
    return f"pull request #{story.pull}, pushed and opened by the service; the agent holds no token"


async def checks(story: Story) -> str:
    """CI fails on the first commit, the agent gets the log, and CI passes on its next one."""
    first = story.heads[0]

    async def concluded() -> dict[str, Any] | None:
        failed = await _conclusion(story, first, "failure")
        if failed or story.stage.agent == "scripted":
            return failed
        return await _conclusion(story, first, "success")

    failed = await story.until("CI fails on the first commit", concluded)
    if failed["conclusion"] == "success":
        return f"“{failed['name']}” passed at the first try"

    async def fixed() -> str | None:
        head = await story.head()
        return head if head != first and await _conclusion(story, head, "success") else None

    story.heads.append(await story.until("CI passes on the agent's next commit", fixed))
    await story.until("the status shows it", lambda: _has_status(story, "review_pending"))
    return f"“{failed['name']}” failed, the agent read its log, pushed a fix, and it passed"


async def review(story: Story) -> str:
    """A reviewer requests changes with two inline comments; the bot answers in both threads."""
    lines = (story.worktree / "names.py").read_text().splitlines()
    comments = [
        {"path": "names.py", "line": _line_of(lines, start), "side": "RIGHT", "body": text}
        for start, text in project.REVIEW_COMMENTS
    ]
    await story.stage.reviewer.review(story.pull, "REQUEST_CHANGES", project.REVIEW, comments)

    async def answered() -> list[str] | None:
        found = await story.stage.reviewer.get(f"/pulls/{story.pull}/comments")
        threads = [one["id"] for one in found if not one.get("in_reply_to_id")]
        replies = {one["in_reply_to_id"]: one["body"] for one in found if one.get("in_reply_to_id")}
        return list(replies.values()) if threads and set(threads) <= set(replies) else None

    async def told() -> list[str] | None:
        return [one["text"] for one in await story.messages() if one["kind"] == "review"] or None

    replies = await story.until("the bot answers in each thread", answered)
    texts = await story.until("the review has reached the agent as one message", told)
    if len(texts) != 1 or not all(text in texts[0] for _, text in project.REVIEW_COMMENTS):
        raise NotSo(f"the review did not reach the agent as one message, but as {len(texts)}")
    story.heads.append(await story.until("the agent's next commit is on the pull request", story.new_head))
    return f"two comments in one message, two answers: “{replies[0].splitlines()[0]}”"


async def comment(story: Story) -> str:
    """A plain comment reaches the agent, is done, and is answered."""
    await story.stage.maintainer.comment(story.pull, project.COMMENT)

    async def done() -> str | None:
        said = await story.bot_comments(story.pull)
        return next((text for text in said if text.startswith(f"> {project.COMMENT}")), None)

    await story.until("the bot answers the comment", done)
    head = await story.until("the README is changed on the pull request", story.new_head)
    story.heads.append(head)
    await story.until("CI passes again", lambda: _conclusion(story, head, "success"))
    return f"“{project.COMMENT}”: done in {head[:7]}"


async def merge(story: Story) -> str:
    """The reviewer approves, the maintainer merges, and everything is cleaned up."""
    await story.stage.reviewer.review(story.pull, "APPROVE", "")
    await story.until("the session is ready to merge", lambda: _has_status(story, "mergeable"))
    await story.stage.maintainer.merge(story.pull)
    await story.until("the session has ended as merged", lambda: _has_status(story, "merged"))

    async def cleaned() -> bool:
        return not story.worktree.exists() and (await story.view())["workspacePath"] is None

    async def nothing_left() -> bool:
        return not await traces.left(story.stage.service, REPO, story.session, story.branch)

    await story.until("the worktree is gone", cleaned)
    await story.until("the branch and the terminal are gone", nothing_left)

    async def said() -> str | None:
        status = [text for text in await story.bot_comments(story.issue) if "| Session |" in text]
        return status[0] if len(status) == 1 and "Merged" in status[0] and "cleaned up" in status[0] else None

    await story.until("the one status comment says so", said)
    kept = await traces.preserved(story.stage.service, REPO, story.session)
    what = f"what was not pushed is kept under {kept[0]}" if kept else "nothing was left to preserve"
    return f"#{story.pull} merged, worktree and branch cleaned up, {what}"


ACTS: tuple[tuple[str, Callable[[Story], Awaitable[str]]], ...] = (
    ("An issue is labelled", label),
    ("An agent starts", claim),
    ("A pull request", open_pull),
    ("CI fails, then passes", checks),
    ("A review", review),
    ("A comment", comment),
    ("Merged and cleaned up", merge),
)


async def _conclusion(story: Story, sha: str, wanted: str) -> dict[str, Any] | None:
    found = (await story.stage.maintainer.get(f"/commits/{sha}/check-runs"))["check_runs"]
    concluded = [run for run in found if run["conclusion"] == wanted]
    return concluded[0] if concluded else None


async def _has_status(story: Story, status: str) -> bool:
    return bool((await story.view())["status"] == status)


def _line_of(lines: list[str], start: str) -> int:
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(start))
