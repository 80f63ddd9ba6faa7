"""Reviews, comments on lines, and the threads they form."""

from __future__ import annotations

from bot.demo.github import commits, git
from bot.demo.github.hunks import hunk_at
from bot.demo.github.people import Json, User
from bot.demo.github.records import Issue, Pull, Repository, Review, ReviewComment, Thread
from bot.demo.github.refusals import Refusal, not_found
from bot.demo.github.shapes import pulls
from bot.demo.github.shapes.common import node_id
from bot.demo.github.shapes.pulls import pull_of
from bot.demo.github.webhooks import emit
from bot.demo.github.world import World

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


async def submit(
    world: World, repo: Repository, issue: Issue, actor: User, event: str, body: str, wanted: list[Json]
) -> Review:
    """Give a review with its comments: nothing is kept unless every comment's line is in the difference."""
    pull = pull_of(issue)
    _check_verdict(issue, actor, event, body, wanted)
    review = Review(world.id(), actor, STATES[event], body, pull.head_sha, world.now())
    review.comments = [await _comment(world, repo, pull, review, each) for each in wanted]
    _keep(world, issue, pull, review)
    announce(world, repo, issue, review)
    return review


async def comment(world: World, repo: Repository, issue: Issue, actor: User, wanted: Json) -> ReviewComment:
    """Comment on one line, which makes a review of its own."""
    pull = pull_of(issue)
    review = Review(world.id(), actor, "COMMENTED", "", pull.head_sha, world.now())
    said = await _comment(world, repo, pull, review, wanted)
    review.comments = [said]
    _keep(world, issue, pull, review)
    announce(world, repo, issue, review)
    return said


def reply(world: World, repo: Repository, issue: Issue, actor: User, top: ReviewComment, body: str) -> ReviewComment:
    """Answer in a thread; replies to replies are refused as GitHub refuses them."""
    if top.in_reply_to is not None:
        raise Refusal(422, "Validation Failed", [_error("in_reply_to", "Replies to replies are not supported")])
    pull, now = pull_of(issue), world.now()
    review = Review(world.id(), actor, "COMMENTED", "", pull.head_sha, now)
    said = ReviewComment(
        world.id(), review, actor, body, top.path, top.line, top.original_line, top.side, top.commit_id,
        top.original_commit_id, top.diff_hunk, top.position, now, now, top.start_line, in_reply_to=top,
    )  # fmt: skip
    review.comments = [said]
    pull.reviews.append(review)
    thread_of(pull, top).comments.append(said)
    issue.updated_at = now
    announce(world, repo, issue, review)
    return said


def edit(world: World, repo: Repository, issue: Issue, said: ReviewComment, body: str) -> None:
    """Change what was said on a line; the webhook carries the old text."""
    before, said.body, said.updated_at = said.body, body, world.now()
    shape, pull = pulls.review_comment(world, repo, issue, said), pulls.simple_pull(world, repo, issue)
    changes = {"body": {"from": before}}
    emit(world, "pull_request_review_comment", "edited", repo, said.user, comment=shape, pull_request=pull,
         changes=changes)  # fmt: skip


def resolve(world: World, repo: Repository, issue: Issue, actor: User, thread: Thread, *, resolved: bool) -> None:
    """Resolve or reopen a thread; asking for what is already so sends nothing."""
    if (thread.resolved_by is not None) == resolved:
        return
    thread.resolved_by = actor if resolved else None
    comments = [pulls.review_comment(world, repo, issue, each) for each in thread.comments]
    shape = {"node_id": node_id("PullRequestReviewThread", thread.id), "comments": comments}
    pull = pulls.simple_pull(world, repo, issue)
    action = "resolved" if resolved else "unresolved"
    emit(world, "pull_request_review_thread", action, repo, actor, pull_request=pull, thread=shape)


def announce(world: World, repo: Repository, issue: Issue, review: Review) -> None:
    """Send the webhooks of a review: itself first, then each of its comments."""
    pull = pulls.simple_pull(world, repo, issue)
    shape = pulls.hooked_review(world, repo, issue, review)
    emit(world, "pull_request_review", "submitted", repo, review.user, review=shape, pull_request=pull)
    for said in review.comments:
        words = pulls.review_comment(world, repo, issue, said)
        emit(world, "pull_request_review_comment", "created", repo, review.user, comment=words, pull_request=pull)


def thread_of(pull: Pull, said: ReviewComment) -> Thread:
    """The thread that a comment belongs to."""
    return next(thread for thread in pull.threads if said in thread.comments)


def find_comment(repo: Repository, number: int) -> tuple[Issue, ReviewComment]:
    """A comment on a line and its pull request, 404 without."""
    for issue in repo.pulls():
        for thread in pull_of(issue).threads:
            for said in thread.comments:
                if said.id == number:
                    return issue, said
    raise not_found()


def _check_verdict(issue: Issue, actor: User, event: str, body: str, wanted: list[Json]) -> None:
    if event not in STATES:
        raise Refusal(422, "Validation Failed", [_error("event", "Event is not valid")])
    if event != "COMMENT" and actor is issue.user:
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise Refusal(422, f"Unprocessable Entity: Can not {verb} your own pull request")
    if not body and (event == "REQUEST_CHANGES" or (event == "COMMENT" and not wanted)):
        raise Refusal(422, "Unprocessable Entity: body is missing")


async def _comment(world: World, repo: Repository, pull: Pull, review: Review, wanted: Json) -> ReviewComment:
    path, body = str(wanted.get("path", "")), str(wanted.get("body", ""))
    line, side = wanted.get("line"), str(wanted.get("side") or "RIGHT")
    sha = str(wanted.get("commit_id") or pull.head_sha)
    if await git.resolve(repo.path, sha) is None:
        raise Refusal(422, "Validation Failed", [_error("commit_id", "commit_id is not part of the pull request")])
    start = await commits.merge_base(repo.path, pull.base_sha, sha) or pull.base_sha
    changes = {change.path: change for change in await commits.difference(repo.path, start, sha)}
    hunk = hunk_at(changes[path], line, side) if path in changes and isinstance(line, int) else None
    if hunk is None or not isinstance(line, int):
        raise Refusal(422, "Validation Failed", [_error("line", "Line could not be resolved")])
    now = world.now()
    return ReviewComment(
        world.id(), review, review.user, body, path, line, line, side, sha, sha, hunk[0], hunk[1], now, now,
        wanted.get("start_line"),
    )  # fmt: skip


def _keep(world: World, issue: Issue, pull: Pull, review: Review) -> None:
    pull.reviews.append(review)
    pull.threads += [Thread(world.id(), [said]) for said in review.comments]
    issue.timeline.append(review)
    issue.updated_at = review.submitted_at


def _error(field: str, message: str) -> Json:
    return {"resource": "PullRequestReviewComment", "code": "custom", "field": field, "message": message}
