"""Tell the agent when a check of its newest commit failed, all failures of a commit in one message."""

from itertools import takewhile

from gidgethub.routing import Router

from handlers.context import Context, Delivery
from handlers.outbound import say
from handlers.payloads import CheckRunEvent, CheckRunView, CheckSuiteEvent
from runtime.expiry import newest
from runtime.facts import Check, ChecksDone, Facts
from runtime.inbox import FAILED as UNDELIVERED
from runtime.inbox import Message
from runtime.project import Project
from runtime.sessions import Session
from runtime.store import facts as fact_rows
from runtime.store import messages
from runtime.store.tx import Tx

router = Router()

FAILED = frozenset({"failure", "timed_out", "action_required", "startup_failure"})
ESCALATED = (
    "CI has failed on {failures} commits in a row and the agent was told each time. "
    "It is not told again until a person comments: have a look at {url}"
)


@router.register("check_run", action="created")
@router.register("check_run", action="completed")
async def note_check(delivery: Delivery, ctx: Context) -> None:
    """Store the check; when it failed on the newest commit, queue a message that waits for the other checks."""
    run = delivery.view(CheckRunEvent).check_run
    if ctx.session is None or not ctx.session.live or ctx.facts is None:
        return delivery.skip("no live session for this commit")
    finished = run.completed_at or run.started_at
    at = finished.timestamp() if finished else 0.0
    conclusion = run.conclusion or ""
    ctx.learn(Check(at=at, name=run.name, head_sha=run.head_sha, conclusion=conclusion, url=run.html_url or ""))
    if conclusion not in FAILED:
        return None
    if newest(ctx.facts) not in ("", run.head_sha):
        return delivery.skip(f"{run.head_sha[:7]} is no longer the newest commit")
    if not ctx.project.reactions.ci_failed.auto:
        return delivery.skip("the project does not want failed checks told")
    return await _tell(run, ctx, ctx.session)


async def _tell(run: CheckRunView, ctx: Context, session: Session) -> None:
    log = await ctx.forge.failed_log(ctx.repo, run.id)
    part: dict[str, object] = {
        "run": run.id, "conclusion": run.conclusion, "head_sha": run.head_sha, "url": run.html_url or "", "log": log,
    }  # fmt: skip
    settle = ctx.now + ctx.project.reactions.ci_failed.settle
    ctx.do(lambda tx: _queue(tx, ctx.project, session, run, part, settle))


def _queue(
    tx: Tx, project: Project, session: Session, run: CheckRunView, part: dict[str, object], settle: float
) -> None:
    facts = fact_rows.of_session(tx.sql, session.id, session.created_at)
    known = messages.of_session(tx.sql, session.id)
    if _was_told(known, run) or _gave_up(tx, project, session, run, _streak(known, facts)):
        return
    not_before = 0.0 if settled(facts, run.head_sha) else settle
    key = f"ci:{session.id}:{run.head_sha}"
    if messages.add_part(tx, key, run.name, part):
        return
    said = messages.add(
        tx, session.id, kind="ci", source_key=key, author="CI", parts={run.name: part}, not_before=not_before
    )
    if said is None:
        again = f"{key}:{run.id}"
        messages.add(tx, session.id, kind="ci", source_key=again, author="CI", parts={run.name: part})


def _was_told(known: list[Message], run: CheckRunView) -> bool:
    """Tell whether this very run is in a message: one that is created as failed is also reported as completed."""
    told = (part for message in known if message.kind == "ci" for part in message.parts.values())
    return any(part.get("run") == run.id for part in told)


def _streak(known: list[Message], facts: Facts) -> list[Message]:
    """Return what was told about failures, newest first, since somebody else had a word or a commit passed."""
    green = last_green(facts)
    told = takewhile(lambda message: message.kind == "ci" and message.created_at > green, reversed(known))
    return [message for message in told if message.state != UNDELIVERED]


def _gave_up(tx: Tx, project: Project, session: Session, run: CheckRunView, streak: list[Message]) -> bool:
    """Tell whether the agent has failed as often in a row as the project allows; says so once."""
    told = {part["head_sha"] for message in streak for part in message.parts.values()} - {run.head_sha}
    reaction = project.reactions.ci_failed
    if len(told) < min(reaction.retries, reaction.escalate_after):
        return False
    if session.issue is not None:
        text = ESCALATED.format(failures=len(told) + 1, url=run.html_url or "the checks")
        row = streak[-1].id if streak else 0
        say(tx, session, session.issue, text, key=f"escalated:{session.id}:{row}")
    return True


@router.register("check_suite", action="completed")
async def release_message(delivery: Delivery, ctx: Context) -> None:
    """Let the message about a commit go as soon as its checks have all finished."""
    suite = delivery.view(CheckSuiteEvent).check_suite
    if ctx.session is None or not ctx.session.live:
        return delivery.skip("no live session for this commit")
    app = (suite.app.slug or suite.app.name) if suite.app else ""
    at = suite.updated_at.timestamp() if suite.updated_at else 0.0
    ctx.learn(ChecksDone(at=at, head_sha=suite.head_sha, app=app, conclusion=suite.conclusion or ""))
    key = f"ci:{ctx.session.id}:{suite.head_sha}"
    ctx.do(lambda tx: messages.release(tx, key))
    return None


def last_green(facts: Facts) -> float:
    """Return when the checks of a commit last ended without a failure, 0 if they never did."""
    ended: list[Check | ChecksDone] = [*facts.checks, *facts.checks_done]
    failed = {check.head_sha for check in ended if check.conclusion in FAILED}
    passed = (suite.at for suite in facts.checks_done if suite.conclusion == "success" and suite.head_sha not in failed)
    return max(passed, default=0.0)


def settled(facts: Facts, sha: str) -> bool:
    """Tell whether a suite of this commit has finished and no check of it is still running."""
    done = any(suite.head_sha == sha for suite in facts.checks_done)
    return done and all(check.conclusion for check in facts.checks if check.head_sha == sha)
