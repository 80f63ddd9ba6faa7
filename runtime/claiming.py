"""Gives a running session a pull request: its worktree moves to that branch, and who had it before is told.

What is asked for is committed first, as a step; the session's keeper then moves the worktree and commits what follows.
"""

from typing import Any

import msgspec

from runtime import full_disk
from runtime.claimable import claimable
from runtime.errors import Permanent, Retryable, UserError
from runtime.hands import Hands
from runtime.look import Look
from runtime.ports import Pull
from runtime.room import no_room
from runtime.said import Claimed
from runtime.sessions import Session
from runtime.store import claimed as rows
from runtime.store import facts, messages, outbox, sessions
from runtime.store.tx import Tx
from runtime.switching import branch_off, go_back, on_branch, put_branch, refuse_unfinished, switch
from runtime.unstarted import not_started

ASKED, DONE = "claim_asked", "claim_done"
"""The step that asks for a claim, and the one that says what came of it."""

ORCHESTRATOR = "{id} is an orchestrator, which owns no pull requests: let it start a session with `--claim-pr`."
NOT_LIVE = "{id} is not at work ({status}): `ao session restore {id}` brings it back, then claim the pull request."
UNDER_WAY = "{id} is being given pull request #{number}: wait until that is done."
NO_BRANCH = "GitHub has no branch {branch} of pull request #{number} any more: push it again."
GIVEN = "You work on pull request #{number} now: {title}\nYour worktree is on its branch `{branch}`{before}. {url}"
BEFORE = "; your earlier branch `{branch}` stays as it is"
TAKEN = "#{number} is now worked on by {other}. Do not push to `{branch}` any more{after}."
AFTER = "; your worktree is on `{branch}` now, with everything that was in it"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One claim that is asked for; `key` tells it from the next one."""

    key: str
    number: int
    by: str
    assignee: str = ""
    begun: bool = False
    """The worktree was clean, and its files may be on their way to the other branch."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a claim; `error` is empty when the session has the pull request."""

    key: str
    number: int
    error: str = ""
    branch_changed: bool = False
    taken_over_from: tuple[str, ...] = ()


def why_not(seen: Look) -> str | None:
    """Return why a session cannot be given any pull request now, or None."""
    session = seen.session
    if session.role == "orchestrator":
        return ORCHESTRATOR.format(id=session.id)
    if not session.live:
        return NOT_LIVE.format(id=session.id, status=session.announced_status)
    if not seen.facts.spawned:
        return not_started(session.id, session.queue_position)
    if ASKED in seen.steps:
        return UNDER_WAY.format(id=session.id, number=seen.steps[ASKED]["number"])
    return None


def ask(tx: Tx, session: Session, wanted: Ask) -> None:
    """Ask for a claim; the session's keeper carries it out."""
    sessions.step_done(tx, session.id, ASKED, **msgspec.to_builtins(wanted))


def outcome(seen: Look) -> Outcome | None:
    """Return what came of the last claim."""
    data = seen.steps.get(DONE)
    return None if data is None else msgspec.convert(dict(data), Outcome)


async def check_worktree(hands: Hands, seen: Look, pull: Pull) -> None:
    """Raise `UserError` if the session's worktree cannot be moved to the pull request's branch."""
    repository, worktree = hands.workspaces.repository(seen.session), hands.workspaces.worktree(seen.session)
    if on_branch(repository, worktree) != pull.now.head_ref:
        await refuse_unfinished(repository, worktree, seen.session.id)


async def carry_out(hands: Hands, seen: Look) -> None:
    """Do what was asked for, whole or not at all; may be cut off and repeated anywhere."""
    wanted = msgspec.convert(dict(seen.steps[ASKED]), Ask)
    losers: list[Session] = []
    try:
        pull = await claimable(hands.forge, seen.session.repo, wanted.number)
        losers = hands.store.read(lambda sql: rows.holders(sql, seen.session, wanted.number, pull.now.head_ref))
        changed = await _move(hands, seen, wanted, pull, losers)
    except Retryable:
        raise
    except (UserError, Permanent, OSError) as exc:
        places = [hands.workspaces.worktree(seen.session), hands.workspaces.repository(seen.session).path]
        why = full_disk.why(exc, places)
        await _give_back(hands, losers, wanted)
        failed = Outcome(key=wanted.key, number=wanted.number, error=why)
        await hands.store.write(lambda tx: _settle(tx, seen.session, failed))
        return
    if not changed and not losers and _has_it(seen, wanted.number):
        again = Outcome(key=wanted.key, number=wanted.number)
        return await hands.store.write(lambda tx: _settle(tx, seen.session, again))
    await hands.store.write(lambda tx: _take_over(tx, seen.session, wanted, pull, losers, changed=changed))


def _has_it(seen: Look, number: int) -> bool:
    """Tell whether the session was given this pull request before, as when the answer to that was lost."""
    pull = seen.facts.pull_request
    given = [one for one in seen.facts.claimed if one.number == number and not one.taken_by]
    return bool(given) and pull is not None and pull.number == number


async def _move(hands: Hands, seen: Look, wanted: Ask, pull: Pull, losers: list[Session]) -> bool:
    """Bring the worktree to the pull request's branch; return whether it was on another one before."""
    session, branch = seen.session, pull.now.head_ref
    if session.branch == branch:
        return False
    repository, worktree = hands.workspaces.repository(session), hands.workspaces.worktree(session)
    if not wanted.begun:
        await check_worktree(hands, seen, pull)
        await repository.fetch()
    tip = await repository.sha_of(branch)
    if tip is None:
        raise UserError(NO_BRANCH.format(branch=branch, number=wanted.number))
    if why := await no_room(repository, branch, is_there=True):
        raise UserError(why)
    for loser in losers:
        if loser.branch == branch:
            await branch_off(repository, hands.workspaces.worktree(loser), branch, _branch_after(loser, wanted))
    repository.refuse_shared_branch(worktree, branch)
    await put_branch(repository, session.id, branch, tip)
    if not wanted.begun:
        begun = msgspec.structs.replace(wanted, begun=True)
        await hands.store.write(lambda tx: ask(tx, session, begun))
    at = hands.clock()
    await switch(repository, worktree, branch, session=session.id, at=at, cut_off=wanted.begun)
    return True


async def _give_back(hands: Hands, losers: list[Session], wanted: Ask) -> None:
    """Let those who would have lost the branch be on it again."""
    for loser in losers:
        repository, place = hands.workspaces.repository(loser), hands.workspaces.worktree(loser)
        await go_back(repository, place, loser.branch, _branch_after(loser, wanted))


def _branch_after(loser: Session, wanted: Ask) -> str:
    """Return the branch on which a session goes on that loses the branch of a pull request; another for each claim."""
    return f"ao/{loser.id}-after-{wanted.number}-{wanted.key[:4]}"


def _settle(tx: Tx, session: Session, result: Outcome) -> None:
    sessions.step_undone(tx, session.id, ASKED)
    sessions.step_done(tx, session.id, DONE, **msgspec.to_builtins(result))


def _take_over(tx: Tx, session: Session, wanted: Ask, pull: Pull, losers: list[Session], *, changed: bool) -> None:
    now, home = pull.now, session.repo.lower()
    for loser in losers:
        _lose(tx, loser, session, wanted, now.head_ref)
    rows.hand_over(tx, session, losers, number=now.number, branch=now.head_ref)
    for where in (f"pr:{home}#{now.number}", f"branch:{home}:{now.head_ref}", f"sha:{home}@{now.head_sha}"):
        sessions.address(tx, session.id, where)
    facts.learn(tx, session.id, now, source="github")
    facts.learn(tx, session.id, Claimed(number=now.number, by=wanted.by), source="person")
    sessions.change(tx, session.id, branch=now.head_ref, **({"base": now.base_ref} if changed else {}))
    before = BEFORE.format(branch=session.branch) if changed else ""
    text = GIVEN.format(number=now.number, title=now.title, branch=now.head_ref, url=now.url, before=before)
    _tell(tx, session.id, wanted, text)
    if wanted.assignee:
        payload = {"number": now.number, "login": wanted.assignee}
        key = assign_key(session, wanted)
        outbox.enqueue(tx, key=key, kind="assign", repo=session.repo, payload=payload, session_id=session.id)
    names = tuple(loser.id for loser in losers)
    result = Outcome(key=wanted.key, number=now.number, branch_changed=changed, taken_over_from=names)
    _settle(tx, session, result)


def assign_key(session: Session, wanted: Ask) -> str:
    """Return the outbox key of the assignment that goes with a claim."""
    return f"{session.repo}:assign:{wanted.number}:{wanted.key}"


def _lose(tx: Tx, loser: Session, winner: Session, wanted: Ask, branch: str) -> None:
    after = ""
    facts.learn(tx, loser.id, Claimed(number=wanted.number, taken_by=winner.id, by=wanted.by), source="person")
    if loser.branch == branch:
        own = _branch_after(loser, wanted)
        sessions.change(tx, loser.id, branch=own)
        sessions.address(tx, loser.id, f"branch:{loser.repo.lower()}:{own}")
        after = AFTER.format(branch=own)
    if loser.live:
        _tell(tx, loser.id, wanted, TAKEN.format(number=wanted.number, other=winner.id, branch=branch, after=after))


def _tell(tx: Tx, name: str, wanted: Ask, text: str) -> None:
    parts: dict[str, Any] = {"body": text}
    key = f"claim:{wanted.key}:{name}"
    messages.add(tx, name, kind="person", source_key=key, author=wanted.by, parts=parts)
