"""What a person has written into a session's metadata file, turned into facts or refused with a reason."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from runtime import prompts
from runtime.branches import is_branch_name
from runtime.changes import IssueMoved
from runtime.claimable import claimable
from runtime.display import tidy
from runtime.errors import AoError, GoneFromForge, UserError
from runtime.metadata_file import Problem
from runtime.metadata_lines import DERIVED
from runtime.ports import Forge, Issue, Pull
from runtime.said import Claimed, Noted
from runtime.sessions import Session
from runtime.store import facts as fact_rows
from runtime.store import sessions
from runtime.store.tx import Tx

BY = "the metadata file"
MOST_KEYS = 100
DERIVED_LINE = "this follows from what happens and cannot be set here"
ENDED = "the session has ended; restore it first"
NO_NUMBER = "write the number, such as 12, or the address"
ISSUE_TAKEN = "issue #{number} belongs to {other}"
PULL_TAKEN = "pull request #{number} belongs to {other}: take it over with `ao session claim-pr`"
BRANCH_TAKEN = "branch {branch} belongs to {other}"
NO_BRANCH = "this is no name of a branch that a session can have"
ELSEWHERE = "its worktree is on {head}: switch it there first, then write this"
TOO_MANY = f"a session has room for {MOST_KEYS} keys of your own"
NOT_SEEN = "the {what} cannot be looked at now ({why}); write it again later"
WHAT = {"issue": "issue", "pr": "pull request"}
NO_ISSUE = "there is no issue #{number} in {repo}"
IS_PULL = "#{number} is a pull request: write it behind `pr=`"
_NUMBER = re.compile(r"(?:.*[#/])?(\d{1,9})/?")


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What was changed and could be checked outside of the transaction."""

    noted: dict[str, str] = {}
    issue: Issue | None = None
    pull: Pull | None = None
    branch: str | None = None
    cleared: tuple[str, ...] = ()
    """Which of issue and pr were emptied."""


async def check(
    session: Session, changed: Mapping[str, str], *, forge: Forge, head: str | None
) -> tuple[Edit, list[Problem]]:
    """Return what can be taken of the changed values, and why the rest cannot; `head` is the worktree's branch."""
    edit, problems = Edit(), []
    for key, value in changed.items():
        try:
            edit = await _take(edit, session, key, value.strip(), forge=forge, head=head)
        except UserError as error:
            problems.append(Problem(f"{key}={value}"[:80], str(error)))
    return edit, problems


async def _take(edit: Edit, session: Session, key: str, value: str, *, forge: Forge, head: str | None) -> Edit:
    if key in DERIVED:
        raise UserError(DERIVED_LINE)
    if key not in ("issue", "pr", "branch"):
        return msgspec.structs.replace(edit, noted={**edit.noted, key: tidy(value) if key == "displayName" else value})
    if not session.live:
        raise UserError(ENDED)
    if key == "branch":
        return msgspec.structs.replace(edit, branch=_branch(session, value, head))
    if not value:
        return msgspec.structs.replace(edit, cleared=(*edit.cleared, key))
    number = _number(value)
    try:
        if key == "issue":
            return msgspec.structs.replace(edit, issue=await _open_issue(forge, session.repo, number))
        return msgspec.structs.replace(edit, pull=await claimable(forge, session.repo, number))
    except UserError:
        raise
    except AoError as exc:
        raise UserError(NOT_SEEN.format(what=WHAT[key], why=exc)) from exc


async def _open_issue(forge: Forge, repo: str, number: int) -> Issue:
    try:
        issue = await forge.issue(repo, number)
    except GoneFromForge as exc:
        raise UserError(NO_ISSUE.format(number=number, repo=repo)) from exc
    if issue.is_pull:
        raise UserError(IS_PULL.format(number=number))
    return issue


def _number(value: str) -> int:
    found = _NUMBER.fullmatch(value)
    if found is None or int(found[1]) == 0:
        raise UserError(NO_NUMBER)
    return int(found[1])


def _branch(session: Session, value: str, head: str | None) -> str:
    if not is_branch_name(value) or value == session.base:
        raise UserError(NO_BRANCH)
    if head is not None and head != value:
        raise UserError(ELSEWHERE.format(head=head))
    return value


def apply(tx: Tx, name: str, edit: Edit, problems: Sequence[Problem]) -> None:
    """Store what was taken, as a person's word, and keep a record of it and of what was not."""
    session = sessions.get(tx.sql, name)
    if session is None:
        return
    tx.source = "person"
    refused, taken = list(problems), []
    for change, key in ((_issue, "issue"), (_pull, "pr"), (_switch, "branch")):
        try:
            taken += [key] if change(tx, session, edit) else []
        except UserError as error:
            refused.append(Problem(key, str(error)))
    for key, value in _roomy(tx, session, edit.noted, refused).items():
        fact_rows.learn(tx, name, Noted(key=key, value=value, by=BY), source="person")
        taken.append(key)
    if taken:
        tx.touched.add(name)
        tx.record("metadata_edited", f"{name}: taken in from its file: {', '.join(taken)}", session_id=name, keys=taken)
    if refused:
        told = "; ".join(f"{one.line or 'the file'}: {one.why}" for one in refused[:3])
        more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
        lines = [msgspec.to_builtins(one) for one in refused[:20]]
        tx.record("metadata_refused", f"{name}: refused in its file: {told}{more}", session_id=name, lines=lines)


def _roomy(tx: Tx, session: Session, noted: Mapping[str, str], refused: list[Problem]) -> dict[str, str]:
    known = fact_rows.of_session(tx.sql, session.id, session.created_at).noted
    keys, fit = {one.key for one in known}, {}
    for key, value in noted.items():
        if key not in keys and len(keys) >= MOST_KEYS:
            refused.append(Problem(key, TOO_MANY))
        else:
            keys.add(key)
            fit[key] = value
    return fit


def _issue(tx: Tx, session: Session, edit: Edit) -> bool:
    if edit.issue is None and "issue" not in edit.cleared:
        return False
    number = edit.issue.number if edit.issue else None
    other = sessions.of_issue(tx.sql, session.project, number)
    if number is not None and other not in (None, session.id):
        raise UserError(ISSUE_TAKEN.format(number=number, other=other))
    if number == session.issue:
        return True
    _address_issue(tx, session, number)
    words = {"title": edit.issue.title, "task": prompts.asked_for(edit.issue, None, "", None)} if edit.issue else {}
    sessions.change(tx, session.id, issue=number, **words)
    tx.changes.append(IssueMoved(session=msgspec.structs.replace(session, issue=number, **words), before=session.issue))
    return True


def _address_issue(tx: Tx, session: Session, number: int | None) -> None:
    home = session.repo.lower()
    if session.issue is not None:
        sessions.unaddress(tx, session.id, f"issue:{home}#{session.issue}")
    if number is not None:
        sessions.address(tx, session.id, f"issue:{home}#{number}")


def _pull(tx: Tx, session: Session, edit: Edit) -> bool:
    home = session.repo.lower()
    known = fact_rows.of_session(tx.sql, session.id, session.created_at).pull_request
    if "pr" in edit.cleared and known is not None:
        sessions.unaddress(tx, session.id, f"pr:{home}#{known.number}")
        fact_rows.learn(tx, session.id, Claimed(number=known.number, taken_by="a person", by=BY), source="person")
        return True
    if edit.pull is None:
        return False
    pull = edit.pull.now
    other = sessions.find(tx.sql, [f"pr:{home}#{pull.number}"])
    if other is not None and other.live and other.id != session.id:
        raise UserError(PULL_TAKEN.format(number=pull.number, other=other.id))
    sessions.address(tx, session.id, f"pr:{home}#{pull.number}")
    sessions.address(tx, session.id, f"sha:{home}@{pull.head_sha}")
    fact_rows.learn(tx, session.id, pull, source="github")
    fact_rows.learn(tx, session.id, Claimed(number=pull.number, by=BY), source="person")
    return True


def _switch(tx: Tx, session: Session, edit: Edit) -> bool:
    if edit.branch is None or edit.branch == session.branch:
        return False
    if (other := sessions.on_branch(tx.sql, session.project, edit.branch)) is not None:
        raise UserError(BRANCH_TAKEN.format(branch=edit.branch, other=other))
    sessions.address(tx, session.id, f"branch:{session.repo.lower()}:{edit.branch}")
    sessions.change(tx, session.id, branch=edit.branch)
    return True
