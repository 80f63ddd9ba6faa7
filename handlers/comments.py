"""Hand comments on a session's issue or pull request to its agent."""

from gidgethub.routing import Router

from handlers import commands
from handlers.context import Context, Delivery
from handlers.payloads import CommentEvent
from handlers.trust import may_command
from runtime import prompts
from runtime.claimable import claimable
from runtime.visible import visible

router = Router()

ENDED = "`{session}` has ended ({status}). {next}"
COMES_BACK = "Comment `/agent restart` to bring it back, then say it again."
AGAIN = "Comment `/agent` on the issue to start again."


@router.register("issue_comment", action="created")
async def tell_comment(delivery: Delivery, ctx: Context) -> None:
    """Queue the comment as a message and react to it; a line that starts with `/agent` is a command instead.

    On an issue or pull request without a session, naming the bot starts one, and so does `/agent`.
    """
    made = delivery.view(CommentEvent)
    text = visible(made.comment.body)
    command = commands.find(text)
    starts = await _starts(ctx, made, text, command)
    if ctx.session is None and not starts:
        return delivery.skip("no session for this issue or pull request")
    if not await may_command(delivery, ctx, made.sender, body=made.comment.body):
        return None
    if reason := await _not_for_us(ctx, text, command):
        return delivery.skip(reason)
    ctx.react("issue_comment", made.comment.id)
    if starts or ctx.session is None:
        return await _start(ctx, made, text if command is None else "")
    if command:
        return commands.obey(command, ctx.session, ctx, made)
    if not ctx.session.live:
        then = COMES_BACK if commands.comes_back(ctx) else AGAIN
        said = ENDED.format(session=ctx.session.id, status=ctx.session.announced_status, next=then)
        return ctx.comment(made.issue.number, said, key=f"ended:{made.comment.id}")
    kind = "pull request" if made.issue.pull_request is not None else "issue"
    parts = {
        "where": f"{kind} #{made.issue.number}", "number": made.issue.number, "id": made.comment.id,
        "body": text,
    }  # fmt: skip
    return ctx.tell(kind="comment", key=f"comment:{ctx.repo}:{made.comment.id}", author=made.sender.login, parts=parts)


async def _starts(ctx: Context, made: CommentEvent, text: str, command: str | None) -> bool:
    """Tell whether the comment asks for a session where there is none; that of a pull request is brought back."""
    if ctx.session is not None and (ctx.session.live or made.issue.pull_request is not None):
        return False
    if command == "restart" and commands.comes_back(ctx):
        return False
    return command in commands.STARTING if command else ctx.session is None and await ctx.people.is_mentioned(text)


async def _start(ctx: Context, made: CommentEvent, text: str) -> None:
    """Claim the issue with its text as of now, or the pull request; and what was said besides.

    Raises:
        UserError: agents cannot work on the pull request; says why.

    """
    login = made.sender.login
    said = f"{login} said:\n{text}" if text else ""
    if made.issue.pull_request is not None:
        pull = await claimable(ctx.forge, ctx.repo, made.issue.number)
        task = prompts.asked_for(None, pull, said, None)
        return ctx.claim_pull(pull, task=task, base=made.repository.default_branch, asked_by=login)
    task = visible(made.issue.body or "") + (f"\n\n{said}" if said else "")
    return ctx.claim(
        issue=made.issue.number, title=made.issue.title, task=task, agent=ctx.project.agent,
        base=made.repository.default_branch, asked_by=login,
    )  # fmt: skip


async def _not_for_us(ctx: Context, text: str, command: str | None) -> str | None:
    if not text:
        return "the comment shows no text"
    if ctx.project.comments == "mention" and command is None and not await ctx.people.is_mentioned(text):
        return "the comment does not name the bot"
    return None
