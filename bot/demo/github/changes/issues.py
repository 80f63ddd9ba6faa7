"""Opening, editing, labelling and closing issues, and the same for the issue side of pull requests."""

from __future__ import annotations

from bot.demo.github.changes import labels
from bot.demo.github.people import App, Json, User
from bot.demo.github.records import Happening, Issue, Label, Repository
from bot.demo.github.shapes import issues, pulls, repositories
from bot.demo.github.shapes.people import user
from bot.demo.github.webhooks import emit
from bot.demo.github.world import World


def next_number(repo: Repository) -> int:
    """The next number of the sequence that issues and pull requests share."""
    return max(repo.issues, default=0) + 1


def announce(world: World, repo: Repository, issue: Issue, action: str, actor: User, **things: object) -> None:
    """Send an `issues` webhook, or a `pull_request` one when it is a pull request."""
    if issue.pull is None:
        emit(world, "issues", action, repo, actor, issue=issues.issue(world, repo, issue), **things)
        return
    shape = pulls.full_pull(world, repo, issue)
    emit(world, "pull_request", action, repo, actor, number=issue.number, pull_request=shape, **things)


def happen(world: World, issue: Issue, kind: str, actor: User, **detail: object) -> None:
    """Write a line into the timeline."""
    issue.updated_at = world.now()
    issue.timeline.append(Happening(kind, actor, world.now(), dict(detail)))


def open_issue(
    world: World,
    repo: Repository,
    actor: User,
    title: str,
    body: str | None = None,
    *,
    label_names: list[str],
    assignees: list[User],
    app: App | None = None,
) -> Issue:
    """Open an issue; each label given with it is announced by its own webhook after `opened`."""
    now = world.now()
    issue = Issue(world.id(), next_number(repo), title, body, actor, now, now, app=app)
    repo.issues[issue.number] = issue
    issue.labels = [labels.ensure(world, repo, actor, name) for name in label_names]
    issue.assignees = list(assignees)
    announce(world, repo, issue, "opened", actor)
    for label in issue.labels:
        _announce_label(world, repo, issue, "labeled", actor, label)
    for person in assignees:
        _announce_assignee(world, repo, issue, "assigned", actor, person)
    return issue


def add_labels(world: World, repo: Repository, issue: Issue, actor: User, names: list[str]) -> None:
    """Add labels; those already there change nothing and send nothing."""
    for name in names:
        label = labels.ensure(world, repo, actor, name)
        if label not in issue.labels:
            issue.labels.append(label)
            _announce_label(world, repo, issue, "labeled", actor, label)


def remove_label(world: World, repo: Repository, issue: Issue, actor: User, label: Label) -> None:
    """Take a label away."""
    issue.labels.remove(label)
    _announce_label(world, repo, issue, "unlabeled", actor, label)


def set_labels(world: World, repo: Repository, issue: Issue, actor: User, names: list[str]) -> None:
    """Make these the labels, by the fewest changes."""
    wanted = {name.lower() for name in names}
    for label in [label for label in issue.labels if label.name.lower() not in wanted]:
        remove_label(world, repo, issue, actor, label)
    add_labels(world, repo, issue, actor, names)


def set_assignees(world: World, repo: Repository, issue: Issue, actor: User, people: list[User]) -> None:
    """Make these the assignees, by the fewest changes."""
    for person in [one for one in issue.assignees if one not in people]:
        issue.assignees.remove(person)
        _announce_assignee(world, repo, issue, "unassigned", actor, person)
    for person in [one for one in people if one not in issue.assignees]:
        issue.assignees.append(person)
        _announce_assignee(world, repo, issue, "assigned", actor, person)


def edit(world: World, repo: Repository, issue: Issue, actor: User, **texts: str | None) -> None:
    """Change title or body; the webhook says what they were before."""
    before: Json = {}
    for name, text in texts.items():
        old = getattr(issue, name)
        if old != text:
            before[name] = {"from": old or ""}
            setattr(issue, name, text)
    if before:
        if "title" in before:
            happen(world, issue, "renamed", actor, before=before["title"]["from"], after=issue.title)
        issue.updated_at = world.now()
        announce(world, repo, issue, "edited", actor, changes=before)


def close(world: World, repo: Repository, issue: Issue, actor: User, reason: str | None = "completed") -> None:
    """Close an open issue or pull request."""
    if issue.state == "closed":
        return
    issue.state, issue.closed_at = "closed", world.now()
    issue.state_reason = None if issue.pull else reason or "completed"
    happen(world, issue, "closed", actor, reason=issue.state_reason)
    announce(world, repo, issue, "closed", actor)


def reopen(world: World, repo: Repository, issue: Issue, actor: User) -> None:
    """Open a closed issue or pull request again."""
    if issue.state == "open":
        return
    issue.state, issue.closed_at = "open", None
    issue.state_reason = None if issue.pull else "reopened"
    happen(world, issue, "reopened", actor)
    announce(world, repo, issue, "reopened", actor)


def _announce_label(world: World, repo: Repository, issue: Issue, action: str, actor: User, label: Label) -> None:
    happen(world, issue, action, actor, label=label)
    announce(world, repo, issue, action, actor, label=repositories.label(world, repo, label))


def _announce_assignee(world: World, repo: Repository, issue: Issue, action: str, actor: User, person: User) -> None:
    happen(world, issue, action, actor, person=person)
    announce(world, repo, issue, action, actor, assignee=user(world, person))
