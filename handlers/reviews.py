"""Hand a review, with all its inline comments, to the agent as one message."""

from typing import Literal

from gidgethub.routing import Router

from handlers.context import Context, Delivery
from handlers.payloads import ReviewEvent
from handlers.trust import may_command
from runtime.facts import Review
from runtime.ports import ReviewComment
from runtime.visible import visible

router = Router()

Opinion = Literal["approved", "changes_requested", "dismissed"]
OPINIONS: dict[str, Opinion] = {
    "approved": "approved",
    "changes_requested": "changes_requested",
    "dismissed": "dismissed",
}


@router.register("pull_request_review", action="submitted")
async def tell_review(delivery: Delivery, ctx: Context) -> None:
    """Note the reviewer's opinion, and queue text and comments once per review.

    The comments are asked for, because their own deliveries come in any order.
    """
    seen = delivery.view(ReviewEvent)
    if ctx.session is None or not ctx.session.live:
        return delivery.skip("no live session for this pull request")
    if not await may_command(delivery, ctx, seen.sender, body=seen.review.body or ""):
        return None
    _note(seen, ctx)
    number, review = seen.pull_request.number, seen.review
    said = await ctx.forge.review_comments(ctx.repo, number, review.id)
    # A reply of ours arrives as a review without a text; under a person's token only its marker tells.
    comments = [comment for comment in said if not await ctx.people.is_own(comment.author, comment.body)]
    body = visible(review.body or "")
    if not body and not comments:
        return delivery.skip("the bot's own words") if said else None
    parts = {"number": number, "state": review.state, "body": body, "comments": [_part(c) for c in comments]}
    return ctx.tell(kind="review", key=f"review:{ctx.repo}:{review.id}", author=seen.sender.login, parts=parts)


@router.register("pull_request_review", action="dismissed")
async def forget_opinion(delivery: Delivery, ctx: Context) -> None:
    """A dismissed review no longer counts."""
    seen = delivery.view(ReviewEvent)
    if ctx.session is None:
        return delivery.skip("not a pull request of a session")
    return _note(seen, ctx)


def _note(seen: ReviewEvent, ctx: Context) -> None:
    opinion = OPINIONS.get(seen.review.state.lower())
    if opinion is not None and seen.review.user is not None:
        at = seen.review.submitted_at.timestamp() if seen.review.submitted_at and opinion != "dismissed" else 0.0
        reviewer, sha = seen.review.user.login, seen.review.commit_id or ""
        ctx.learn(Review(at=at, reviewer=reviewer, state=opinion, head_sha=sha))


def _part(comment: ReviewComment) -> dict[str, object]:
    return {
        "id": comment.id, "path": comment.path, "line": comment.line, "body": visible(comment.body),
        "thread": comment.thread,
    }  # fmt: skip
