"""Whose words count: the sender of a delivery, judged by their live permission.

Facts (pull requests, checks, pushes, merges) are taken from everybody and never come here.
"""

from handlers.context import Context, Delivery
from handlers.payloads import User


async def may_command(delivery: Delivery, ctx: Context, sender: User, *, body: str = "") -> bool:
    """Tell whether the sender's words count here; if not, the delivery is skipped with the reason.

    The bot's own words and other bots' are never answered, so no two bots can keep each other busy.
    """
    if await ctx.people.is_own(sender.login, body):
        delivery.skip("the bot's own words")
    elif sender.type == "Bot" or sender.login.endswith("[bot]"):
        delivery.skip(f"{sender.login} is a bot, and bots are not listened to")
    elif not await ctx.people.may_write(ctx.repo, sender.login):
        delivery.skip(f"{sender.login} has no write permission")
    else:
        name, text = ctx.session.id if ctx.session else None, f"{sender.login} may write to {ctx.repo}"
        ctx.do(lambda tx: tx.record("trust", text, session_id=name, login=sender.login, repo=ctx.repo))
    return delivery.skip_reason is None
