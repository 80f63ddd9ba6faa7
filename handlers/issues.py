"""Start a session when an issue is labelled, pause it when the label goes, end it when the issue is closed."""

from gidgethub.routing import Router

from handlers.context import Context, Delivery
from handlers.payloads import IssueEvent
from handlers.trust import may_command
from runtime import agents
from runtime.errors import UserError
from runtime.facts import IssueClosed, Killed, Paused
from runtime.visible import visible

router = Router()

UNKNOWN_AGENT = "{problem} Put the label `{label}` on the issue to start one of those."
PAUSED = (
    "Paused: the label was taken away by @{by}. Put `{label}` back to go on, or close the issue to end `{session}`."
)


@router.register("issues", action="labeled")
async def spawn_for_label(delivery: Delivery, ctx: Context) -> None:
    """Claim the issue with the text it has in this delivery; the session starts from the committed claim.

    A second label, or the same delivery again, finds the claim and changes nothing.
    """
    labeled = delivery.view(IssueEvent)
    agent = ctx.project.agent_for_label(labeled.label.name) if labeled.label else None
    if agent is None or labeled.issue.pull_request is not None:
        return delivery.skip("not a label that starts an agent")
    if labeled.issue.state == "closed":
        return delivery.skip("the issue is closed: nothing would end the session")
    if not await may_command(delivery, ctx, labeled.sender):
        return None
    if ctx.session is not None and ctx.session.live:
        return _resume(delivery, ctx, labeled.sender.login)
    try:
        agents.named(agent)
    except UserError as exc:
        raise UserError(UNKNOWN_AGENT.format(problem=exc, label=f"{ctx.project.labels.spawn}:<agent>")) from exc
    ctx.claim(
        issue=labeled.issue.number, title=labeled.issue.title, task=visible(labeled.issue.body or ""), agent=agent,
        base=labeled.repository.default_branch, asked_by=labeled.sender.login,
    )  # fmt: skip
    return ctx.react("issue", labeled.issue.number)


def _resume(delivery: Delivery, ctx: Context, by: str) -> None:
    if ctx.facts is None or ctx.facts.paused is None or not ctx.facts.paused.paused:
        return delivery.skip("the issue has a live session already")
    return ctx.learn(Paused(paused=False, by=by))


@router.register("issues", action="unlabeled")
async def pause_for_label(delivery: Delivery, ctx: Context) -> None:
    """Cancel a session that does not exist yet; pause one that does, and ask."""
    unlabeled = delivery.view(IssueEvent)
    if unlabeled.label is None or ctx.project.agent_for_label(unlabeled.label.name) is None:
        return delivery.skip("not a label that starts an agent")
    if ctx.session is None or not ctx.session.live:
        return delivery.skip("no live session")
    if not await may_command(delivery, ctx, unlabeled.sender):
        return None
    by = unlabeled.sender.login
    if ctx.facts is not None and not ctx.facts.spawned:
        return ctx.learn(Killed(by=by, reason="cancelled"))
    ctx.learn(Paused(paused=True, by=by))
    text = PAUSED.format(by=by, label=unlabeled.label.name, session=ctx.session.id)
    return ctx.comment(unlabeled.issue.number, text, key=f"paused:{delivery.guid}")


@router.register("issues", action="closed")
@router.register("issues", action="deleted")
@router.register("issues", action="transferred")
async def end_with_issue(delivery: Delivery, ctx: Context) -> None:
    """End the session of an issue that is closed or gone from here.

    A merge that closed it counts as the merge, whichever comes first.
    """
    closed = delivery.view(IssueEvent)
    if ctx.session is None or ctx.facts is None or ctx.facts.cleaned is not None:
        return delivery.skip("no session that has not been cleaned up")
    ctx.learn(IssueClosed(by=closed.sender.login, why=closed.issue.state_reason or ""))
    pull = ctx.facts.pull_request
    if pull is not None:
        now = await ctx.forge.pull_request(ctx.repo, pull.number)
        if now.state == "merged":
            return ctx.learn(now)
    return ctx.learn(Killed(by=closed.sender.login, reason="issue_closed"))
