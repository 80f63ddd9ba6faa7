"""Answers what agents read with `gh`: their pull request, its checks, an issue, a run, or a path of the API.

What people without write permission wrote is left out, also titles, branches, code and logs of theirs, because an
agent takes text for instructions; of the rest, what nobody sees on the page.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from runtime.errors import GoneFromForge, UserError
from runtime.facts import Facts
from runtime.gate_server import Answer, GhRequest
from runtime.outsiders import Outsiders, Trusts
from runtime.ports import Forge
from runtime.sessions import Session
from runtime.visible import plain

Read = Callable[["Reader"], Awaitable[Any]]

NO_PULL = "There is no pull request yet: push with `git push`, then run `gh pr create`."
NO_NUMBER = "Write a number, such as 12, instead of {target!r}."
NO_PATH = "Name a path, such as `gh api repos/{repo}/issues`."
NOT_THERE = "There is no {what} in {repo}."
OWN_ONLY = "Only your own pull request can be edited from here."
FIELDS = {
    "number": "number", "title": "title", "body": "body", "state": "state", "url": "html_url", "isDraft": "draft",
    "headRefName": "head.ref", "headRefOid": "head.sha", "baseRefName": "base.ref", "author": "user.login",
    "mergeable": "mergeable", "labels": "labels", "createdAt": "created_at", "updatedAt": "updated_at",
}  # fmt: skip

_NUMBER = re.compile(r"#?(\d+)|https?://\S+/(?:pull|issues|runs)/(\d+)(?:/\S*)?")
# `refs/pull/<number>/head` is a fork's branch inside the repository:
# https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/checking-out-pull-requests-locally
_CODE_OF = re.compile(r"\bpulls?/(\d+)/(?:files|commits|head|merge)")


class Reader:
    """One command of one agent."""

    def __init__(self, forge: Forge, trusts: Trusts, session: Session, facts: Facts, options: dict[str, Any]) -> None:
        self.forge = forge
        self.session = session
        self.facts = facts
        self.options = options
        self._outsiders = Outsiders(session.repo, trusts)

    async def get(self, path: str) -> Any:
        """Return what the forge says below the repository, without what outsiders wrote."""
        return await self.read(self._below(path))

    async def read(self, path: str) -> Any:
        """Return what the forge says of a path, without what outsiders wrote; `UserError` when it is their code."""
        if found := _CODE_OF.search(unquote(path)):
            await self.pull(int(found[1]))
        return await self._outsiders.left_out_of(await self._ask(path))

    async def pull(self, number: int) -> Any:
        """Return a pull request whose code may be shown; `UserError` when it is an outsider's."""
        pull = await self._ask(self._below(f"pulls/{number}"))
        await self._outsiders.check_code(pull)
        return pull

    async def log(self, run: int) -> str:
        """Return the end of what the failed jobs of a run have said; `UserError` when it is an outsider's."""
        await self._outsiders.check_run(await self._ask(self._below(f"actions/runs/{run}")))
        jobs = (await self.get(f"actions/runs/{run}/jobs"))["jobs"]
        failed = [job for job in jobs if job["conclusion"] == "failure"]
        return plain("\n".join([await self.forge.failed_log(self.session.repo, job["id"]) for job in failed]))

    async def _ask(self, path: str) -> Any:
        return await self.forge.gh_read(self.session.repo, path)

    def _below(self, path: str) -> str:
        return f"repos/{self.session.repo}/{path}".rstrip("/")

    def named(self) -> int:
        """Return the number the agent named."""
        target = str(self.options.get("target", ""))
        found = _NUMBER.fullmatch(target)
        if found is None:
            raise UserError(NO_NUMBER.format(target=target))
        return int(found[1] or found[2])

    def number(self) -> int:
        """Return the number the agent named, or that of its own pull request."""
        if self.options.get("target", self.session.branch) != self.session.branch:
            return self.named()
        if self.facts.pull_request is None:
            raise UserError(NO_PULL)
        return self.facts.pull_request.number

    def asked_for(self, command: str) -> str:
        """Return what a command was about, in words."""
        if command == "api":
            return str(self.options["path"])
        return f"run {self.named()}" if command == "run view" else f"#{self.number()}"


async def answer(forge: Forge, trusts: Trusts, session: Session, facts: Facts, request: GhRequest) -> Answer:
    """Carry out one reading command, or an edit of the session's own pull request."""
    reader = Reader(forge, trusts, session, facts, dict(request.options))
    act = _COMMANDS.get(request.command)
    if act is None:
        return Answer.refused(f"gh {request.command} cannot be done from here.")
    try:
        said = await act(reader)
    except GoneFromForge as exc:
        raise UserError(NOT_THERE.format(what=reader.asked_for(request.command), repo=session.repo)) from exc
    return Answer.done(said if isinstance(said, str) else json.dumps(said, indent=2))


async def _view(reader: Reader, kind: str, number: int) -> Any:
    data = await reader.get(f"{kind}/{number}")
    fields = reader.options.get("json")
    if isinstance(fields, list):
        return {name: _field(data, FIELDS[name]) for name in fields if name in FIELDS}
    lines = [f"title:\t{data['title']}", f"state:\t{data['state'].upper()}", f"number:\t{number}"]
    lines += [f"url:\t{data['html_url']}", "--", data["body"] or ""]
    if reader.options.get("comments"):
        for comment in await reader.get(f"issues/{number}/comments"):
            lines += ["--", f"{comment['user']['login']}:", comment["body"] or ""]
    return "\n".join(lines)


async def _pull(reader: Reader) -> Any:
    return await _view(reader, "pulls", reader.number())


async def _issue(reader: Reader) -> Any:
    return await _view(reader, "issues", reader.named())


async def _checks(reader: Reader) -> Any:
    pull = await reader.pull(reader.number())
    found = await reader.get(f"commits/{pull['head']['sha']}/check-runs")
    runs = found["check_runs"]
    if isinstance(reader.options.get("json"), list):
        return [{"name": run["name"], "state": run["conclusion"] or run["status"]} for run in runs]
    words = {"success": "pass", None: "pending"}
    rows = [f"{r['name']}\t{words.get(r['conclusion'], 'fail')}\t{r['html_url']}" for r in runs]
    return "\n".join(rows) or "no checks reported"


async def _diff(reader: Reader) -> Any:
    files = await reader.get(f"pulls/{reader.number()}/files")
    if reader.options.get("name_only"):
        return "\n".join(file["filename"] for file in files)
    return "\n".join(f"--- {file['filename']}\n{file.get('patch', '')}" for file in files)


async def _run(reader: Reader) -> Any:
    number = reader.named()
    if reader.options.get("log") or reader.options.get("log_failed"):
        return await reader.log(number)
    return await reader.get(f"actions/runs/{number}")


async def _api(reader: Reader) -> Any:
    if not reader.options.get("path"):
        raise UserError(NO_PATH.format(repo=reader.session.repo))
    return await reader.read(str(reader.options["path"]))


async def _edit(reader: Reader) -> Any:
    own = reader.facts.pull_request
    if own is None or reader.number() != own.number:
        raise UserError(OWN_ONLY if own else NO_PULL)
    given = {name: plain(str(reader.options[name])) for name in ("title", "body") if name in reader.options}
    await reader.forge.edit_pull_request(reader.session.repo, own.number, **given)
    return own.url


_COMMANDS: dict[str, Read] = {
    "pr view": _pull,
    "issue view": _issue,
    "pr checks": _checks,
    "pr diff": _diff,
    "run view": _run,
    "api": _api,
    "pr edit": _edit,
}


def _field(data: Any, path: str) -> Any:
    for name in path.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return data
