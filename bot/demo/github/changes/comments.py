"""Comments of the conversation, and reactions to anything."""

from __future__ import annotations

from bot.demo.github.people import App, User
from bot.demo.github.records import Comment, Issue, Reaction, Repository
from bot.demo.github.shapes import issues
from bot.demo.github.webhooks import emit
from bot.demo.github.world import World


def add(world: World, repo: Repository, issue: Issue, actor: User, body: str, app: App | None = None) -> Comment:
    """Say something on an issue or pull request."""
    now = world.now()
    comment = Comment(world.id(), actor, body, now, now, app=app)
    issue.comments.append(comment)
    issue.timeline.append(comment)
    issue.updated_at = now
    _announce(world, repo, issue, comment, "created", actor)
    return comment


def edit(world: World, repo: Repository, issue: Issue, comment: Comment, actor: User, body: str) -> None:
    """Change what was said; the webhook carries the old text."""
    before, comment.body, comment.updated_at = comment.body, body, world.now()
    _announce(world, repo, issue, comment, "edited", actor, changes={"body": {"from": before}})


def delete(world: World, repo: Repository, issue: Issue, comment: Comment, actor: User) -> None:
    """Take back what was said."""
    issue.comments.remove(comment)
    issue.timeline.remove(comment)
    _announce(world, repo, issue, comment, "deleted", actor)


def react(world: World, reactions: list[Reaction], actor: User, content: str) -> tuple[Reaction, bool]:
    """Add a reaction and say whether it is new; GitHub sends no webhook for reactions."""
    for reaction in reactions:
        if reaction.user is actor and reaction.content == content:
            return reaction, False
    reaction = Reaction(world.id(), actor, content, world.now())
    reactions.append(reaction)
    return reaction, True


def _announce(
    world: World, repo: Repository, issue: Issue, comment: Comment, action: str, actor: User, **things: object
) -> None:
    shapes = {
        "issue": issues.issue(world, repo, issue),
        "comment": issues.comment(world, repo, issue, comment),
    }
    emit(world, "issue_comment", action, repo, actor, **shapes, **things)
