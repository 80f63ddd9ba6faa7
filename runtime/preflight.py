"""Checks everything that a spawn needs before anything is made, so that what cannot start leaves nothing behind."""

import os
from collections.abc import Awaitable
from typing import TypeVar

import msgspec

from runtime import prompts, room
from runtime.agents import Agent
from runtime.branches import LONGEST, in_the_way, is_branch_name
from runtime.claimable import claimable
from runtime.errors import GoneFromForge, UserError, WrongUse
from runtime.hands import Hands
from runtime.ports import Issue, Pull
from runtime.programs import find_program
from runtime.project import Project
from runtime.sessions import branch_name, display_name, session_id
from runtime.store import sessions
from runtime.wish import Wish

T = TypeVar("T")

NO_MODEL = "{agent} cannot be told a model: leave --model out, or choose another agent with --agent."
BAD_BRANCH = "{branch!r} is not a name for a branch: `git help check-ref-format` has the rules."
LONG_BRANCH = "The branch's name has {size} bytes, and at most {most} are taken: choose a shorter one."
DEFAULT_BRANCH = "{branch} is the default branch, which changes through pull requests only: name another one."
NO_ISSUE = "There is no issue #{number} in {repo}: look for its number with `gh issue list --repo {repo}`."
CLOSED = "Issue #{number} is closed, so nothing would end its session: reopen it first."
IS_PULL = "#{number} is a pull request: start a session for it with `ao spawn --claim-pr {number}`."
OF_SESSIONS = "{branch!r} leaves no room for the sessions' own branches, such as {own}: name another one."
IN_USE = "{branch} is checked out in {path}: check out another branch there, or name another one."
HAS_SESSION = "{branch} is what {id} works on: tell it with `ao send {id}`, or end it first, `ao session kill {id}`."
MANY = "{count} preflight checks failed:\n{lines}"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that can be granted: everything that a claim needs."""

    project: Project
    issue: int | None
    title: str
    task: str
    agent: str
    model: str | None
    base: str
    branch: str | None
    pull: Pull | None
    by: str
    author: str = ""
    """Who wrote the issue."""


async def checked(wish: Wish, hands: Hands) -> Order:
    """Return what to claim; the forge is only read.

    Raises:
        WrongUse: the wish makes no sense.
        UserError: it cannot be granted now; names everything that is in the way.

    """
    wish.says_something()
    text, (project, number) = wish.text(), wish.place(hands.projects)
    agent = _agent(wish, project, hands)
    base = project.default_branch or await hands.forge.default_branch(project.repo)
    if wish.branch is not None:
        _check_name(wish.branch, base, project)
    several = _Several()
    issue = await several.of(_open_issue(hands, project, number))
    pull = await several.of(_pull(hands, project, wish.pull))
    branch = pull.now.head_ref if pull else wish.branch
    await several.of(_not_elsewhere(hands, project, branch))
    await several.of(_room(hands, project, branch, is_there=pull is not None))
    await several.of(_installed(hands, project, agent))
    several.raise_them()
    return Order(
        project=project, issue=number, title=_title(issue, pull, text, branch), agent=agent.name, model=wish.model,
        task=prompts.asked_for(issue, pull, text, branch), base=base, branch=branch, pull=pull, by=wish.by,
        author=issue.author if issue else "",
    )  # fmt: skip


class _Several:
    """Does one check after the other, and raises what was in the way at the end."""

    def __init__(self) -> None:
        self._problems: list[UserError] = []

    async def of(self, check: Awaitable[T]) -> T | None:
        try:
            return await check
        except UserError as exc:
            self._problems.append(exc)
            return None

    def raise_them(self) -> None:
        if len(self._problems) == 1:
            raise self._problems[0]
        if self._problems:
            lines = "\n".join(f"  {problem}" for problem in self._problems)
            raise UserError(MANY.format(count=len(self._problems), lines=lines))


def _agent(wish: Wish, project: Project, hands: Hands) -> Agent:
    try:
        agent = hands.agents(project.agent if wish.agent is None else wish.agent)
    except UserError as exc:
        raise WrongUse(str(exc)) from exc
    if wish.model is not None and not agent.capabilities.takes_model:
        raise WrongUse(NO_MODEL.format(agent=agent.name))
    return agent


def _check_name(branch: str, base: str, project: Project) -> None:
    if (size := len(os.fsencode(branch))) > LONGEST:
        raise WrongUse(LONG_BRANCH.format(size=size, most=LONGEST))
    if not is_branch_name(branch):
        raise WrongUse(BAD_BRANCH.format(branch=branch))
    if branch == base:
        raise WrongUse(DEFAULT_BRANCH.format(branch=base))
    if in_the_way(branch, [own := branch_name(session_id(project.session_prefix, 1))]):
        raise WrongUse(OF_SESSIONS.format(branch=branch, own=own))


async def _open_issue(hands: Hands, project: Project, number: int | None) -> Issue | None:
    if number is None:
        return None
    try:
        issue = await hands.forge.issue(project.repo, number)
    except GoneFromForge as exc:
        raise UserError(NO_ISSUE.format(number=number, repo=project.repo)) from exc
    if issue.is_pull:
        raise UserError(IS_PULL.format(number=number))
    if issue.state != "open":
        raise UserError(CLOSED.format(number=number))
    return issue


async def _pull(hands: Hands, project: Project, number: int | None) -> Pull | None:
    return None if number is None else await claimable(hands.forge, project.repo, number)


async def _not_elsewhere(hands: Hands, project: Project, branch: str | None) -> None:
    path = None if branch is None else hands.workspaces.checked_out_in(project, branch)
    if path is None:
        return
    where = f"branch:{project.repo.lower()}:{branch}"
    found = hands.store.read(lambda sql: sessions.find(sql, [where]))
    if found is not None and hands.workspaces.worktree(found) == path:
        raise UserError(HAS_SESSION.format(branch=branch, id=found.id))
    raise UserError(IN_USE.format(branch=branch, path=path))


async def _room(hands: Hands, project: Project, branch: str | None, *, is_there: bool) -> None:
    if branch is None:
        return
    hands.store.read(lambda sql: room.refuse_beside_sessions(sql, project.id, branch))
    if why := await hands.workspaces.no_room(project, branch, is_there=is_there):
        raise UserError(why)


async def _installed(hands: Hands, project: Project, agent: Agent) -> None:
    find_program(agent, project, hands.environment)


def _title(issue: Issue | None, pull: Pull | None, text: str, branch: str | None) -> str:
    """Return what the session is called: by its issue, else by its pull request, else by what was said."""
    known = issue.title if issue else pull.now.title if pull else ""
    return " ".join(known.split()) or display_name("", text) or f"Continue {branch}"
