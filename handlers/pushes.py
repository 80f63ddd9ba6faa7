"""Keep our copy of the repository fresh, and recognise commits that carry a session's trailer."""

import re

from gidgethub.routing import Router

from handlers.context import Context, Delivery
from handlers.payloads import PushEvent
from runtime.numbers import highest
from runtime.store import numbers

router = Router()

TRAILER = re.compile(r"^Agent-Session: ([a-z0-9-]+)\s*$", re.MULTILINE)


@router.register("push")
async def note_push(delivery: Delivery, ctx: Context) -> None:
    """Let the next spawn fetch first; commits of a session lead later deliveries to it."""
    push = delivery.view(PushEvent)
    repo = ctx.repo
    ctx.do(lambda tx: tx.wake(f"pushed:{repo}"))
    if push.ref == f"refs/heads/{ctx.project.default_branch or push.repository.default_branch}":
        ctx.do(lambda tx: tx.wake(f"moved:{repo}"))
    number = highest([push.ref.removeprefix("refs/heads/")], ctx.project.session_prefix)
    if number and not push.deleted:
        ctx.do(lambda tx: numbers.raise_floor(tx, ctx.project.id, number))
    if ctx.session is not None and not push.deleted:
        ctx.address(f"sha:{repo.lower()}@{push.after}")
