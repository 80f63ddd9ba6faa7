"""What happened on an issue or pull request, in order, as a page tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.demo.github.people import User
from bot.demo.github.records import CheckRun, Comment, Happening, Issue, Reaction, Repository, Review, Thread
from bot.demo.github.shapes.issues import association

ICONS = {"labeled": "tag", "unlabeled": "tag", "assigned": "person", "unassigned": "person", "committed": "commit",
         "merged": "merge", "closed": "closed", "reopened": "open", "renamed": "pencil"}  # fmt: skip
VERDICTS = {"APPROVED": "approved these changes", "CHANGES_REQUESTED": "requested changes", "COMMENTED": "reviewed"}


@dataclass
class Entry:
    """One entry; `kind` picks the part of the template that shows it."""

    kind: str
    user: User
    at: datetime
    icon: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def entries(repo: Repository, issue: Issue) -> list[Entry]:
    """Everything after the first post; labels given together become one line."""
    shown: list[Entry] = []
    for each in issue.timeline:
        entry = _entry(repo, issue, each)
        if entry is not None and not _joins(shown, entry):
            shown.append(entry)
    return shown


def _entry(repo: Repository, issue: Issue, each: Comment | Review | Happening) -> Entry | None:
    if isinstance(each, Comment):
        detail = {"comment": each, "role": role(repo, each.user), "reactions": counted(each.reactions)}
        return Entry("comment", each.user, each.created_at, detail=detail)
    if isinstance(each, Review):
        return _review(issue, each)
    if each.kind == "closed" and issue.pull and issue.pull.merged_at:
        return None
    detail = dict(each.detail)
    if "label" in detail:
        detail["labels"] = [detail.pop("label")]
    return Entry(each.kind, each.actor, each.at, ICONS.get(each.kind, "dot"), detail)


def _review(issue: Issue, review: Review) -> Entry | None:
    threads = [thread for thread in (issue.pull.threads if issue.pull else []) if thread.comments[0] in review.comments]
    detail = {"review": review, "verdict": VERDICTS[review.state], "threads": [threaded(each) for each in threads]}
    icon = {"APPROVED": "check", "CHANGES_REQUESTED": "changes"}.get(review.state, "eye")
    return Entry("review", review.user, review.submitted_at, icon, detail)


def threaded(thread: Thread) -> dict[str, Any]:
    """A thread with its comments and where it stands."""
    top = thread.comments[0]
    comments = [{"said": said, "reactions": counted(said.reactions)} for said in thread.comments]
    return {"thread": thread, "top": top, "comments": comments, "outdated": top.line is None}


def _joins(shown: list[Entry], entry: Entry) -> bool:
    if not shown:
        return False
    last = shown[-1]
    same = last.kind == entry.kind and last.user is entry.user and (entry.at - last.at).total_seconds() < 60
    if same and entry.kind in ("labeled", "unlabeled"):
        last.detail["labels"] += entry.detail["labels"]
        return True
    return False


def counted(reactions: Iterable[Reaction]) -> list[tuple[str, int, str]]:
    """Reactions as content, number and who."""
    by: dict[str, list[str]] = {}
    for one in reactions:
        by.setdefault(one.content, []).append(one.user.login)
    return [(content, len(names), ", ".join(names)) for content, names in by.items()]


def role(repo: Repository, user: User) -> str:
    """The badge beside a name."""
    if user.type == "Bot":
        return "bot"
    word = association(repo, user)
    return "" if word == "NONE" else word.capitalize()


def latest(runs: list[CheckRun]) -> list[CheckRun]:
    """The newest run of each name."""
    return list({(run.suite.app.id, run.name): run for run in runs}.values())
