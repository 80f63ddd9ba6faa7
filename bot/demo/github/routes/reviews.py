"""Reviews, comments on lines and replies to them."""

from __future__ import annotations

from bot.demo.github.calls import Answer, Call, Table
from bot.demo.github.changes import reviews
from bot.demo.github.people import Json
from bot.demo.github.records import Review, ReviewComment
from bot.demo.github.refusals import Refusal, not_found
from bot.demo.github.routes.issues import checked_body
from bot.demo.github.shapes import pulls as shapes
from bot.demo.github.shapes.pulls import pull_of

rest = Table()
REPO = "/repos/{owner}/{repo}"
PULL = f"{REPO}/pulls/{{number}}"


def _shape(call: Call, said: ReviewComment) -> Json:
    issue, _ = reviews.find_comment(call.repo, said.id)
    return shapes.review_comment(call.world, call.repo, issue, said)


def _review(call: Call) -> Review:
    for review in pull_of(call.pull).reviews:
        if review.id == call.number("review_id"):
            return review
    raise not_found()


@rest("POST", f"{PULL}/reviews", needs="pull_requests:write")
async def submit(call: Call) -> Answer:
    """Give a review; without an event it would stay pending, which is not supported here."""
    event, body = call.string("event", resource="PullRequestReview"), str(call.body.get("body") or "")
    wanted = [{"commit_id": call.body.get("commit_id"), **one} for one in call.body.get("comments") or []]
    review = await reviews.submit(call.world, call.repo, call.pull, call.caller.user, event, body, wanted)
    return Answer(200, shapes.review(call.world, call.repo, call.pull, review))


@rest("GET", f"{PULL}/reviews", needs="pull_requests:read")
async def listing(call: Call) -> Answer:
    """All reviews, oldest first."""
    return call.page(pull_of(call.pull).reviews, lambda one: shapes.review(call.world, call.repo, call.pull, one))


@rest("GET", f"{PULL}/reviews/{{review_id}}", needs="pull_requests:read")
async def one(call: Call) -> Answer:
    """One review."""
    return Answer(200, shapes.review(call.world, call.repo, call.pull, _review(call)))


@rest("GET", f"{PULL}/reviews/{{review_id}}/comments", needs="pull_requests:read")
async def comments_of(call: Call) -> Answer:
    """The comments of a review."""
    return call.page(_review(call).comments, lambda said: _shape(call, said))


@rest("GET", f"{PULL}/comments", needs="pull_requests:read")
async def comments(call: Call) -> Answer:
    """All comments on lines, oldest first."""
    found = [said for thread in pull_of(call.pull).threads for said in thread.comments]
    return call.page(sorted(found, key=lambda said: said.id), lambda said: _shape(call, said))


@rest("POST", f"{PULL}/comments", needs="pull_requests:write")
async def comment(call: Call) -> Answer:
    """Comment on a line, or with `in_reply_to` answer in a thread."""
    checked_body(call, "PullRequestReviewComment")
    if call.body.get("in_reply_to"):
        return _reply(call, int(call.body["in_reply_to"]))
    said = await reviews.comment(call.world, call.repo, call.pull, call.caller.user, call.body)
    return Answer(201, _shape(call, said))


@rest("POST", f"{PULL}/comments/{{comment_id}}/replies", needs="pull_requests:write")
async def reply(call: Call) -> Answer:
    """Answer the top comment of a thread."""
    return _reply(call, call.number("comment_id"))


def _reply(call: Call, number: int) -> Answer:
    issue, top = reviews.find_comment(call.repo, number)
    if issue is not call.pull:
        raise not_found()
    body = checked_body(call, "PullRequestReviewComment")
    said = reviews.reply(call.world, call.repo, issue, call.caller.user, top, body)
    return Answer(201, _shape(call, said))


@rest("GET", f"{REPO}/pulls/comments/{{review_comment_id}}", needs="pull_requests:read")
async def get_comment(call: Call) -> Answer:
    """One comment on a line."""
    return Answer(200, _shape(call, reviews.find_comment(call.repo, call.number("review_comment_id"))[1]))


@rest("PATCH", f"{REPO}/pulls/comments/{{review_comment_id}}", needs="pull_requests:write")
async def edit_comment(call: Call) -> Answer:
    """Change one's own comment on a line."""
    issue, said = reviews.find_comment(call.repo, call.number("review_comment_id"))
    if said.user is not call.caller.user:
        raise Refusal(403, "Must have write rights to Repository.")
    reviews.edit(call.world, call.repo, issue, said, checked_body(call, "PullRequestReviewComment"))
    return Answer(200, _shape(call, said))
