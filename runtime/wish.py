"""What somebody asks a session to be started for, as it was written."""

import re
import unicodedata
from collections.abc import Mapping

import msgspec

from runtime.errors import WrongUse
from runtime.project import Project

LONGEST_PROMPT = 4096

WHICH_PROJECT = "Say which project with -p: {known}."
NONE = (
    "No project is configured: write one into agent-orchestrator.yaml, check it with `ao config check`, and start the "
    "service again."
)
NO_PROJECT = "There is no project {name!r}; there are: {known}."
TWO_PROJECTS = "{issue} is an issue of {one}, and -p says {other}: leave one of them out."
NOT_AN_ISSUE = "{issue!r} is not an issue: write its number, such as 42, or project and number, such as {example}/42."
NOTHING = "Say what to work on: an issue, --prompt TEXT, --branch BRANCH or --claim-pr PR."
TOO_LONG = "The prompt has {length} characters, and at most {limit} are taken: put the rest into an issue."
EMPTY_PROMPT = "The prompt is empty: write what the agent should do."
TWO_BRANCHES = "--branch and --claim-pr exclude each other: a pull request has a branch of its own."

_ISSUE = re.compile(r"(?:(?P<where>[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9._-]+)?)[/#])?#?(?P<number>[1-9][0-9]{0,8})")
_URL = re.compile(r"https?://[^/\s]+/(?P<where>[^/\s]+/[^/\s]+)/issues/(?P<number>[1-9][0-9]{0,8})/?")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; `by` is who asks."""

    project: str | None = None
    issue: str | None = None
    prompt: str | None = None
    agent: str | None = None
    model: str | None = None
    branch: str | None = None
    pull: int | None = None
    by: str = "a person"

    def says_something(self) -> None:
        """Raise `WrongUse` when there is nothing to work on, or two things that exclude each other."""
        if (self.issue, self.prompt, self.branch, self.pull) == (None, None, None, None):
            raise WrongUse(NOTHING)
        if self.branch is not None and self.pull is not None:
            raise WrongUse(TWO_BRANCHES)

    def text(self) -> str:
        """Return the prompt without control characters, or nothing."""
        if self.prompt is None:
            return ""
        kept = "".join(char for char in self.prompt if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))
        if len(kept) > LONGEST_PROMPT:
            raise WrongUse(TOO_LONG.format(length=len(kept), limit=LONGEST_PROMPT))
        if not kept.strip():
            raise WrongUse(EMPTY_PROMPT)
        return kept.strip()

    def place(self, projects: Mapping[str, Project]) -> tuple[Project, int | None]:
        """Return the project and the issue's number; `WrongUse` says what to write instead."""
        where, number = _issue(self.issue, projects) if self.issue is not None else (None, None)
        if self.project is not None and self.project not in projects:
            raise WrongUse(_no_project(self.project, projects))
        if where is not None and self.project not in (None, where):
            raise WrongUse(TWO_PROJECTS.format(issue=self.issue, one=where, other=self.project))
        name = where or self.project or (next(iter(projects)) if len(projects) == 1 else None)
        if name is None:
            raise WrongUse(WHICH_PROJECT.format(known=", ".join(projects)) if projects else NONE)
        return projects[name], number


def _issue(text: str, projects: Mapping[str, Project]) -> tuple[str | None, int]:
    """Read `42`, `#42`, `project/42`, `prefix/42`, `owner/name#42` or the issue's address."""
    found = _ISSUE.fullmatch(text.strip()) or _URL.fullmatch(text.strip())
    if found is None:
        raise WrongUse(NOT_AN_ISSUE.format(issue=text, example=next(iter(projects), "my-app")))
    where = found["where"]
    if where is None:
        return None, int(found["number"])
    for project in projects.values():
        if where in (project.id, project.session_prefix) or where.lower() == project.repo.lower():
            return project.id, int(found["number"])
    raise WrongUse(_no_project(where, projects))


def _no_project(name: str, projects: Mapping[str, Project]) -> str:
    return NO_PROJECT.format(name=name, known=", ".join(projects) or "none")
