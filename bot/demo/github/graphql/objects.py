"""Repositories, issues, pull requests, reviews and people as GraphQL objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.demo.github import commits, mergeability
from bot.demo.github.callers import Caller
from bot.demo.github.graphql import checks
from bot.demo.github.graphql.execution import Arguments, Object, Problem, connection
from bot.demo.github.people import User
from bot.demo.github.records import Comment, Issue, Pull, Repository, Review, ReviewComment, Thread
from bot.demo.github.routes.pulls import start_of
from bot.demo.github.shapes import issues as issue_shapes
from bot.demo.github.shapes.common import node_id, stamp, stamp_or_none
from bot.demo.github.shapes.pulls import pull_of
from bot.demo.github.shapes.repositories import html_of
from bot.demo.github.world import World

COMMENTS = "PullRequestReviewCommentConnection"


@dataclass(frozen=True)
class View:
    """The objects of a world as one caller sees them."""

    world: World
    caller: Caller

    def actor(self, who: User) -> Object:
        """A user; a bot's login is bare here, without `[bot]`."""
        kind, login = who.type, who.login.removesuffix("[bot]")
        fields = {"id": node_id(kind, who.id), "login": login, "databaseId": who.id, "name": None}
        page = f"/apps/{login}" if kind == "Bot" else f"/{login}"
        fields |= {"url": f"{self.world.url}{page}", "resourcePath": page}
        fields["avatarUrl"] = f"{self.world.url}/_local/avatars/{who.id}.svg"
        return Object(kind, fields, frozenset({"Node", "Actor"}))

    def repository(self, repo: Repository) -> Object:
        """A repository."""
        fields: dict[str, Any] = {
            "id": node_id("Repository", repo.id),
            "databaseId": repo.id,
            "name": repo.name,
            "nameWithOwner": repo.full_name,
            "owner": self.actor(repo.owner),
            "isPrivate": repo.private,
            "isFork": repo.parent is not None,
            "url": html_of(self.world, repo),
            "defaultBranchRef": Object("Ref", {"name": repo.default_branch, "id": node_id("Ref", repo.id)}),
            "issue": lambda given: self._numbered(repo, given, pull=False),
            "pullRequest": lambda given: self._numbered(repo, given, pull=True),
            "issueOrPullRequest": lambda given: self._numbered(repo, given, pull=None),
            "issues": lambda given: self._issues(repo, given),
            "pullRequests": lambda given: self._pulls(repo, given),
        }
        return Object("Repository", fields)

    async def _numbered(self, repo: Repository, given: Arguments, *, pull: bool | None) -> Object:
        issue = repo.issues.get(int(given.get("number") or 0))
        kind = {True: "PullRequest", False: "Issue", None: "issue or pull request"}[pull]
        if issue is None or (pull is not None and pull != (issue.pull is not None)):
            raise Problem("NOT_FOUND", f"Could not resolve to a {kind} with the number of {given.get('number')}.")
        if issue.pull is None:
            return self.issue(repo, issue)
        await mergeability.refresh(repo, issue)
        return self.pull(repo, issue)

    def _issues(self, repo: Repository, given: Arguments) -> Object:
        states = given.get("states") or ["OPEN", "CLOSED"]
        wanted = [one for one in repo.issues.values() if one.pull is None and one.state.upper() in states]
        return connection("IssueConnection", wanted, given, lambda one: self.issue(repo, one))

    def _pulls(self, repo: Repository, given: Arguments) -> Object:
        states = given.get("states") or ["OPEN", "CLOSED", "MERGED"]
        head, base = given.get("headRefName"), given.get("baseRefName")
        wanted = [
            one
            for one in repo.pulls()
            if self._state(one) in states
            and head in (None, pull_of(one).head_ref)
            and base in (None, pull_of(one).base_ref)
        ]
        return connection("PullRequestConnection", wanted, given, lambda one: self.pull(repo, one))

    def _state(self, issue: Issue) -> str:
        return "MERGED" if issue.pull and issue.pull.merged_at else issue.state.upper()

    def _common(self, repo: Repository, issue: Issue) -> dict[str, Any]:
        return {
            "databaseId": issue.pull.id if issue.pull else issue.id,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or "",
            "state": self._state(issue),
            "closed": issue.state == "closed",
            "url": issue_shapes.html_of_issue(self.world, repo, issue),
            "author": self.actor(issue.user),
            "authorAssociation": issue_shapes.association(repo, issue.user),
            "createdAt": stamp(issue.created_at),
            "updatedAt": stamp(issue.updated_at),
            "closedAt": stamp_or_none(issue.closed_at),
            "repository": lambda _: self.repository(repo),
            "labels": lambda given: connection("LabelConnection", issue.labels, given, checks.label),
            "assignees": lambda given: connection("UserConnection", issue.assignees, given, self.actor),
            "comments": lambda given: connection(
                "IssueCommentConnection", issue.comments, given, lambda one: self.comment(repo, issue, one)
            ),
        }

    def issue(self, repo: Repository, issue: Issue) -> Object:
        """An issue."""
        reason = issue.state_reason.upper() if issue.state_reason else None
        return Object("Issue", {"id": node_id("Issue", issue.id), "stateReason": reason, **self._common(repo, issue)})

    def pull(self, repo: Repository, issue: Issue) -> Object:
        """A pull request; refresh its mergeability first."""
        pull = pull_of(issue)
        known = pull.mergeable is not None and pull.merged_at is None
        fields = self._common(repo, issue) | {
            "id": node_id("PullRequest", pull.id),
            "isDraft": pull.draft,
            "merged": pull.merged_at is not None,
            "mergedAt": stamp_or_none(pull.merged_at),
            "mergedBy": self.actor(pull.merged_by) if pull.merged_by else None,
            "mergeCommit": lambda _: self._commit(repo, pull.merge_commit_sha) if pull.merge_commit_sha else None,
            "mergeable": ("MERGEABLE" if pull.mergeable else "CONFLICTING") if known else "UNKNOWN",
            "mergeStateStatus": mergeability.merge_state(repo, pull),
            "reviewDecision": mergeability.review_decision(repo, pull),
            "headRefName": pull.head_ref,
            "headRefOid": pull.head_sha,
            "baseRefName": pull.base_ref,
            "baseRefOid": pull.base_sha,
            "isCrossRepository": pull.head_repo is not repo,
            "headRepository": self.repository(pull.head_repo) if pull.head_repo else None,
            "headRepositoryOwner": self.actor(pull.head_owner),
            "autoMergeRequest": None,
            "additions": pull.size.additions,
            "deletions": pull.size.deletions,
            "changedFiles": pull.size.changed_files,
        }
        return Object("PullRequest", fields | self._opinions(repo, issue, pull))

    def _opinions(self, repo: Repository, issue: Issue, pull: Pull) -> dict[str, Any]:
        def reviews(given: Arguments, found: list[Review]) -> Object:
            states = given.get("states") or [one.state for one in found]
            wanted = [one for one in found if one.state in states]
            return connection("PullRequestReviewConnection", wanted, given, lambda one: self.review(repo, issue, one))

        async def listed(given: Arguments) -> Object:
            found = await commits.log(repo.path, f"{await start_of(repo, pull)}..{pull.head_sha}")
            return connection("PullRequestCommitConnection", found, given, lambda one: self._pull_commit(repo, one))

        async def tip(_: Arguments) -> Object:
            return await self._commit(repo, pull.head_sha)

        return {
            "headRef": Object("Ref", {"id": node_id("Ref", pull.id), "name": pull.head_ref, "target": tip}),
            "statusCheckRollup": lambda _: checks.rollup(self, repo, pull.head_sha),
            "reviewThreads": lambda given: connection(
                "PullRequestReviewThreadConnection", pull.threads, given, lambda one: self.thread(repo, issue, one)
            ),
            "latestOpinionatedReviews": lambda given: reviews(given, mergeability.latest_opinions(pull)),
            "latestReviews": lambda given: reviews(given, list({one.user.id: one for one in pull.reviews}.values())),
            "reviews": lambda given: reviews(given, pull.reviews),
            "commits": listed,
        }

    async def _commit(self, repo: Repository, sha: str) -> Object:
        return checks.commit(self, repo, await commits.one(repo.path, sha))

    def _pull_commit(self, repo: Repository, one: commits.Commit) -> Object:
        shape = checks.commit(self, repo, one)
        return Object("PullRequestCommit", {"id": shape.fields["id"], "commit": shape})

    def comment(self, repo: Repository, issue: Issue, said: Comment) -> Object:
        """A comment of the conversation."""
        url = f"{issue_shapes.html_of_issue(self.world, repo, issue)}#issuecomment-{said.id}"
        return self._words("IssueComment", said, {"url": url, "createdAt": stamp(said.created_at)})

    def review(self, repo: Repository, issue: Issue, given: Review) -> Object:
        """A review."""
        fields: dict[str, Any] = {
            "state": given.state,
            "submittedAt": stamp(given.submitted_at),
            "url": f"{issue_shapes.html_of_issue(self.world, repo, issue)}#pullrequestreview-{given.id}",
            "commit": lambda _: self._commit(repo, given.commit_id),
            "comments": lambda wanted: connection(
                COMMENTS, given.comments, wanted, lambda one: self.review_comment(repo, issue, one)
            ),
        }
        return self._words("PullRequestReview", given, fields)

    def review_comment(self, repo: Repository, issue: Issue, said: ReviewComment) -> Object:
        """A comment on a line."""
        top = said.in_reply_to
        fields: dict[str, Any] = {
            "path": said.path,
            "line": said.line,
            "originalLine": said.original_line,
            "diffHunk": said.diff_hunk,
            "outdated": said.line is None,
            "createdAt": stamp(said.created_at),
            "updatedAt": stamp(said.updated_at),
            "url": f"{issue_shapes.html_of_issue(self.world, repo, issue)}#discussion_r{said.id}",
            "replyTo": lambda _: self.review_comment(repo, issue, top) if top else None,
            "pullRequestReview": lambda _: self.review(repo, issue, said.review),
        }
        return self._words("PullRequestReviewComment", said, fields)

    def thread(self, repo: Repository, issue: Issue, thread: Thread) -> Object:
        """A thread with its comments."""
        top = thread.comments[0]
        fields: dict[str, Any] = {
            "id": node_id("PullRequestReviewThread", thread.id),
            "isResolved": thread.resolved_by is not None,
            "isOutdated": top.line is None,
            "isCollapsed": thread.resolved_by is not None,
            "path": top.path,
            "line": top.line,
            "originalLine": top.original_line,
            "startLine": top.start_line,
            "diffSide": top.side,
            "resolvedBy": self.actor(thread.resolved_by) if thread.resolved_by else None,
            "comments": lambda wanted: connection(
                COMMENTS, thread.comments, wanted, lambda one: self.review_comment(repo, issue, one)
            ),
        }
        return Object("PullRequestReviewThread", fields)

    def _words(self, kind: str, said: Comment | Review | ReviewComment, more: dict[str, Any]) -> Object:
        reason = said.minimized.lower() if said.minimized else None
        fields = {
            "id": node_id(kind, said.id),
            "databaseId": said.id,
            "fullDatabaseId": str(said.id),
            "author": self.actor(said.user),
            "body": said.body,
            "isMinimized": reason is not None,
            "minimizedReason": reason,
            "viewerDidAuthor": self.caller.token is not None and said.user is self.caller.user,
        }
        return Object(kind, fields | more, frozenset({"Node", "Comment", "Minimizable"}))
