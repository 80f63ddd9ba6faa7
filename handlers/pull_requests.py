"""Keep what is known of a session's pull request up to date."""

from gidgethub.routing import Router

from handlers.context import Context, Delivery
from handlers.payloads import PullEvent, PullView
from runtime.facts import PullRequest

router = Router()


@router.register("pull_request", action="opened")
@router.register("pull_request", action="reopened")
@router.register("pull_request", action="synchronize")
@router.register("pull_request", action="edited")
@router.register("pull_request", action="ready_for_review")
@router.register("pull_request", action="converted_to_draft")
@router.register("pull_request", action="closed")
async def note_pull_request(delivery: Delivery, ctx: Context) -> None:
    """Store the pull request's state, from any sender: it is a fact, not somebody's word."""
    seen = delivery.view(PullEvent)
    if ctx.session is None:
        return delivery.skip("not a pull request of a session")
    if _comes_too_late(ctx, seen.pull_request.number):
        return delivery.skip("another pull request of a session that has ended with its own: merged")
    ctx.address(f"pr:{ctx.repo.lower()}#{seen.pull_request.number}")
    return ctx.learn(as_fact(seen.pull_request))


def _comes_too_late(ctx: Context, number: int) -> bool:
    known = ctx.facts.pull_requests if ctx.facts else ()
    has_merged = ctx.session is not None and ctx.session.announced_status == "merged"
    return has_merged and number not in [pull.number for pull in known]


def as_fact(pull: PullView) -> PullRequest:
    """Turn GitHub's description into a fact; `at` is GitHub's `updated_at`, so late deliveries change nothing."""
    return PullRequest(
        at=pull.updated_at.timestamp(), number=pull.number, url=pull.html_url, title=pull.title,
        state="merged" if pull.merged else "open" if pull.state == "open" else "closed", draft=pull.draft,
        head_ref=pull.head.ref, head_sha=pull.head.sha, base_ref=pull.base.ref, mergeable=pull.mergeable,
        merge_sha=pull.merge_commit_sha or "", merged_by=pull.merged_by.login if pull.merged_by else "",
    )  # fmt: skip
