"""Obey `/agent` commands in comments: start, `restart`, `stop`, `status` and `help`."""

import re
from collections.abc import Callable

from handlers.context import Context
from handlers.outbound import quiet
from handlers.payloads import CommentEvent
from runtime.facts import Killed
from runtime.restore import bring_back, is_merged
from runtime.sessions import Session

HELP = """`/agent` starts a session on an issue or pull request that has none. `/agent restart` brings one back that has
ended, with its branch and its worktree; after a merge it starts another one.
`/agent status` says what the agent is doing, `/agent stop` ends the session and keeps its work.
Any other comment here goes to the agent as a message."""
NOT_KNOWN = "There is no `/agent {word}` here.\n\n{help}"
STATUS = "`{session}` is **{status}** ({reason})."
RUNS = "`{session}` is still there, {status}. `/agent stop` ends it, then `/agent restart` starts another one."
HAS_ENDED = "`{session}` has ended ({status}). `/agent restart` brings it back."
BACK = "Bringing `{session}` back, on the same branch `{branch}`; the status comment says where it stands."
OVER = "`{session}` has done its work: it is merged. `/agent restart` on the issue starts another one."
STOPPED = "Stopping `{session}`. What was not pushed is kept; the status comment says where."

_CODE = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^/agent(?:[ \t]+(\S+))?(?:[ \t][^\n]*)?\r?$", re.MULTILINE)


def find(body: str) -> str | None:
    """Return the word after `/agent` on a line of its own, outside code, or None when the comment is no command."""
    found = _LINE.search(_CODE.sub("", body))
    return (found[1] or "start").lower() if found else None


def obey(word: str, session: Session, ctx: Context, made: CommentEvent) -> None:
    """Carry out a command and answer where it was given."""
    act = _COMMANDS.get(word)
    text = act(session, ctx, made.sender.login) if act else NOT_KNOWN.format(word=quiet(word), help=HELP)
    ctx.comment(made.issue.number, text, key=f"command:{made.comment.id}")


def _help(_session: Session, _ctx: Context, _by: str) -> str:
    return HELP


def _status(session: Session, _ctx: Context, _by: str) -> str:
    return STATUS.format(session=session.id, status=session.announced_status, reason=session.announced_reason)


def _running(session: Session, _ctx: Context, _by: str) -> str:
    return RUNS.format(session=session.id, status=session.announced_status)


def _start(session: Session, ctx: Context, by: str) -> str:
    """Answer on a pull request whose session is there, or has ended; on an issue that would start another one."""
    if comes_back(ctx):
        return HAS_ENDED.format(session=session.id, status=session.announced_status)
    return _running(session, ctx, by) if session.live else OVER.format(session=session.id)


def comes_back(ctx: Context) -> bool:
    """Tell whether the session has ended and can be brought back."""
    session, facts = ctx.session, ctx.facts
    return session is not None and facts is not None and not session.live and not is_merged(facts)


def _restart(session: Session, ctx: Context, by: str) -> str:
    if session.live:
        return _running(session, ctx, by)
    if not comes_back(ctx):
        return OVER.format(session=session.id)
    ctx.do(lambda tx: bring_back(tx, session, by=by))
    return BACK.format(session=session.id, branch=session.branch)


def _stop(session: Session, ctx: Context, by: str) -> str:
    if not session.live:
        return _status(session, ctx, by)
    ctx.learn(Killed(by=by))
    return STOPPED.format(session=session.id)


STARTING = ("start", "restart")
_COMMANDS: dict[str, Callable[[Session, Context, str], str]] = {
    "start": _start,
    "restart": _restart,
    "help": _help,
    "status": _status,
    "stop": _stop,
}
