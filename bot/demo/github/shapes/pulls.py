"""The JSON of pull requests, reviews and review comments."""

from __future__ import annotations

from bot.demo.github.mergeability import merge_state
from bot.demo.github.people import Json, User
from bot.demo.github.records import Issue, Pull, Repository, Review, ReviewComment
from bot.demo.github.shapes.common import node_id, reaction_counts, stamp, stamp_or_none
from bot.demo.github.shapes.issues import assigned, association, html_of_issue
from bot.demo.github.shapes.people import user
from bot.demo.github.shapes.repositories import api_of, label, repository, tiny_repository
from bot.demo.github.world import World


def pull_of(one: Issue) -> Pull:
    """The pull request part of what is known to be one."""
    if one.pull is None:
        raise ValueError(f"#{one.number} is not a pull request")
    return one.pull


def _links(world: World, repo: Repository, one: Issue, pull: Pull) -> Json:
    api, html = api_of(world, repo), html_of_issue(world, repo, one)
    return {
        "self": f"{api}/pulls/{one.number}",
        "html": html,
        "issue": f"{api}/issues/{one.number}",
        "comments": f"{api}/issues/{one.number}/comments",
        "review_comments": f"{api}/pulls/{one.number}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{api}/pulls/{one.number}/commits",
        "statuses": f"{api}/statuses/{pull.head_sha}",
    }


def _side(world: World, repo: Repository | None, owner: User, ref: str, sha: str) -> Json:
    side: Json = {"label": f"{owner.login}:{ref}", "ref": ref, "sha": sha, "user": user(world, owner)}
    return side | {"repo": repository(world, repo) if repo else None}


def simple_pull(world: World, repo: Repository, one: Issue) -> Json:
    """A pull request as lists and review webhooks show it."""
    pull = pull_of(one)
    links = _links(world, repo, one, pull)
    html = links["html"]
    return {
        "url": links["self"],
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": links["issue"],
        "number": one.number,
        "state": one.state,
        "locked": False,
        "title": one.title,
        "user": user(world, one.user),
        "body": one.body,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "closed_at": stamp_or_none(one.closed_at),
        "merged_at": stamp_or_none(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        **assigned(world, one),
        "requested_reviewers": [user(world, each) for each in pull.requested_reviewers],
        "requested_teams": [],
        "labels": [label(world, repo, each) for each in one.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "head": _side(world, pull.head_repo, pull.head_owner, pull.head_ref, pull.head_sha),
        "base": _side(world, repo, repo.owner, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": association(repo, one.user),
        "auto_merge": None,
        "active_lock_reason": None,
    }


def full_pull(world: World, repo: Repository, one: Issue) -> Json:
    """A pull request with its merge state, as the single request and its own webhooks show it."""
    pull = pull_of(one)
    return {
        **simple_pull(world, repo, one),
        "merged": pull.merged_at is not None,
        "mergeable": None if pull.merged_at else pull.mergeable,
        "rebaseable": None if pull.merged_at else pull.mergeable,
        "mergeable_state": merge_state(repo, pull).lower(),
        "merged_by": user(world, pull.merged_by) if pull.merged_by else None,
        "comments": len(one.comments),
        "review_comments": sum(len(thread.comments) for thread in pull.threads),
        "maintainer_can_modify": False,
        "commits": pull.size.commits,
        "additions": pull.size.additions,
        "deletions": pull.size.deletions,
        "changed_files": pull.size.changed_files,
    }


def tiny_pull(world: World, repo: Repository, one: Issue) -> Json:
    """A pull request as check runs and suites name it."""
    pull = pull_of(one)
    head = {"ref": pull.head_ref, "sha": pull.head_sha, "repo": tiny_repository(world, pull.head_repo or repo)}
    base = {"ref": pull.base_ref, "sha": pull.base_sha, "repo": tiny_repository(world, repo)}
    api = f"{api_of(world, repo)}/pulls/{one.number}"
    return {"url": api, "id": pull.id, "number": one.number, "head": head, "base": base}


def review(world: World, repo: Repository, one: Issue, given: Review) -> Json:
    """A review, its state in upper case."""
    html = f"{html_of_issue(world, repo, one)}#pullrequestreview-{given.id}"
    api = f"{api_of(world, repo)}/pulls/{one.number}"
    return {
        "id": given.id,
        "node_id": node_id("PullRequestReview", given.id),
        "user": user(world, given.user),
        "body": given.body,
        "state": given.state,
        "html_url": html,
        "pull_request_url": api,
        "author_association": association(repo, given.user),
        "_links": {"html": {"href": html}, "pull_request": {"href": api}},
        "submitted_at": stamp(given.submitted_at),
        "commit_id": given.commit_id,
    }


def hooked_review(world: World, repo: Repository, one: Issue, given: Review) -> Json:
    """A review as webhooks show it: lower case, and an empty body is null."""
    shape = review(world, repo, one, given)
    return shape | {"state": given.state.lower(), "body": given.body or None}


def review_comment(world: World, repo: Repository, one: Issue, said: ReviewComment) -> Json:
    """A comment on a line."""
    api = api_of(world, repo)
    itself, html = f"{api}/pulls/comments/{said.id}", f"{html_of_issue(world, repo, one)}#discussion_r{said.id}"
    home = f"{api}/pulls/{one.number}"
    shape: Json = {
        "url": itself,
        "pull_request_review_id": said.review.id,
        "id": said.id,
        "node_id": node_id("PullRequestReviewComment", said.id),
        "diff_hunk": said.diff_hunk,
        "path": said.path,
        "commit_id": said.commit_id,
        "original_commit_id": said.original_commit_id,
        "user": user(world, said.user),
        "body": said.body,
        "created_at": stamp(said.created_at),
        "updated_at": stamp(said.updated_at),
        "html_url": html,
        "pull_request_url": home,
        "author_association": association(repo, said.user),
        "_links": {"self": {"href": itself}, "html": {"href": html}, "pull_request": {"href": home}},
        "reactions": reaction_counts(said.reactions, f"{itself}/reactions"),
        "start_line": said.start_line,
        "original_start_line": said.start_line,
        "start_side": said.side if said.start_line else None,
        "line": said.line,
        "original_line": said.original_line,
        "side": said.side,
        "original_position": said.position,
        "position": said.position if said.line is not None else None,
        "subject_type": "line",
    }
    return shape | ({"in_reply_to_id": said.in_reply_to.id} if said.in_reply_to else {})
