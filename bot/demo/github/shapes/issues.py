"""The JSON of issues, their comments and reactions."""

from __future__ import annotations

from typing import Any

from bot.demo.github.people import Json, User
from bot.demo.github.records import Comment, Issue, Reaction, Repository
from bot.demo.github.shapes.common import node_id, reaction_counts, stamp, stamp_or_none
from bot.demo.github.shapes.people import app, user
from bot.demo.github.shapes.repositories import api_of, html_of, label
from bot.demo.github.world import World


def association(repo: Repository, who: User) -> str:
    """How the author stands to the repository, as GitHub tells everybody."""
    if who is repo.owner:
        return "OWNER"
    return "COLLABORATOR" if who.login.lower() in repo.roles else "NONE"


def html_of_issue(world: World, repo: Repository, one: Issue) -> str:
    """The page of an issue or pull request."""
    return f"{html_of(world, repo)}/{'pull' if one.pull else 'issues'}/{one.number}"


def issue(world: World, repo: Repository, one: Issue) -> Json:
    """An issue; a pull request seen through the issues API has the `pull_request` key."""
    api = f"{api_of(world, repo)}/issues/{one.number}"
    shape: Json = {
        "url": api,
        "repository_url": api_of(world, repo),
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "html_url": html_of_issue(world, repo, one),
        "id": one.id,
        "node_id": node_id("PullRequest" if one.pull else "Issue", one.pull.id if one.pull else one.id),
        "number": one.number,
        "title": one.title,
        "user": user(world, one.user),
        "labels": [label(world, repo, each) for each in one.labels],
        "state": one.state,
        "locked": False,
        **assigned(world, one),
        "milestone": None,
        "comments": len(one.comments),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "closed_at": stamp_or_none(one.closed_at),
        "author_association": association(repo, one.user),
        "active_lock_reason": None,
        "body": one.body,
        "reactions": reaction_counts(one.reactions, f"{api}/reactions"),
        "timeline_url": f"{api}/timeline",
        "performed_via_github_app": app(world, one.app) if one.app else None,
        "state_reason": one.state_reason,
    }
    if one.pull:
        links = _pull_links(world, repo, one)
        shape |= {"draft": one.pull.draft, "pull_request": {**links, "merged_at": stamp_or_none(one.pull.merged_at)}}
    return shape


def assigned(world: World, one: Issue) -> Json:
    """The assignees, and the first of them under its old name."""
    everyone = [user(world, each) for each in one.assignees]
    return {"assignee": everyone[0] if everyone else None, "assignees": everyone}


def _pull_links(world: World, repo: Repository, one: Issue) -> Json:
    html = html_of_issue(world, repo, one)
    api = f"{api_of(world, repo)}/pulls/{one.number}"
    return {"url": api, "html_url": html, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch"}


def comment(world: World, repo: Repository, one: Issue, said: Comment) -> Json:
    """A comment of the conversation."""
    api = api_of(world, repo)
    return {
        "url": f"{api}/issues/comments/{said.id}",
        "html_url": f"{html_of_issue(world, repo, one)}#issuecomment-{said.id}",
        "issue_url": f"{api}/issues/{one.number}",
        "id": said.id,
        "node_id": node_id("IssueComment", said.id),
        "user": user(world, said.user),
        "created_at": stamp(said.created_at),
        "updated_at": stamp(said.updated_at),
        "author_association": association(repo, said.user),
        "body": said.body,
        "reactions": reaction_counts(said.reactions, f"{api}/issues/comments/{said.id}/reactions"),
        "performed_via_github_app": app(world, said.app) if said.app else None,
    }


def reaction(world: World, one: Reaction) -> Json:
    """One reaction."""
    shape: dict[str, Any] = {"id": one.id, "node_id": node_id("Reaction", one.id), "user": user(world, one.user)}
    return shape | {"content": one.content, "created_at": stamp(one.created_at)}
