"""Answers what agents read with `gh`: their pull request, its checks, an issue, a run, or a path of the API.

What people without write permission wrote is left out, because an agent takes text for instructions.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from runtime.errors import UserError
from runtime.facts import Facts
from runtime.gate_server import Answer, GhRequest
from runtime.ports import Forge
from runtime.sessions import Session

MayWrite = Callable[[str, str], Awaitable[bool]]
Read = Callable[["Reader"], Awaitable[Any]]

NO_PULL = "There is no pull request yet: push with `git push`, then run `gh pr create`."
LEFT_OUT = "[left out: {login} has no write permission]"
OWN_ONLY = "Only your own pull request can be edited from here."
FIELDS = {
    "number": "number", "title": "title", "body": "body", "state": "state", "url": "html_url", "isDraft": "draft",
    "headRefName": "head.ref", "headRefOid": "head.sha", "baseRefName": "base.ref", "author": "user.login",
    "mergeable": "mergeable", "labels": "labels", "createdAt": "created_at", "updatedAt": "updated_at",
}  # fmt: skip


class Reader:
    """One command of one agent."""

    def __init__(
        self, forge: Forge, may_write: MayWrite, session: Session, facts: Facts, options: dict[str, Any]
    ) -> None:
        self.forge = forge
        self.session = session
        self.facts = facts
        self.options = options
        self._may_write = may_write

    async def get(self, path: str) -> Any:
        """Return what the forge says below the repository, without what outsiders wrote."""
        found = await self.forge.gh_read(self.session.repo, f"repos/{self.session.repo}/{path}".rstrip("/"))
        return await self.trusted(found)

    async def trusted(self, data: Any) -> Any:
        """Return the data with every text of an outsider left out."""
        if isinstance(data, list):
            return [await self.trusted(one) for one in data]
        if not isinstance(data, dict):
            return data
        kept = {key: await self.trusted(value) for key, value in data.items()}
        author = (data.get("user") or {}).get("login") if isinstance(data.get("user"), dict) else None
        if "body" in data and author is not None and not await self._trusts(author):
            kept["body"] = LEFT_OUT.format(login=author)
        return kept

    async def _trusts(self, login: str) -> bool:
        return login.endswith("[bot]") or await self._may_write(self.session.repo, login)

    def number(self) -> int:
        """Return the number the agent named, or that of its own pull request."""
        named = re.search(r"(\d+)/?$", str(self.options.get("target", "")))
        if named:
            return int(named[1])
        if self.facts.pull_request is None:
            raise UserError(NO_PULL)
        return self.facts.pull_request.number


async def answer(forge: Forge, may_write: MayWrite, session: Session, facts: Facts, request: GhRequest) -> Answer:
    """Carry out one reading command, or an edit of the session's own pull request."""
    reader = Reader(forge, may_write, session, facts, dict(request.options))
    act = _COMMANDS.get(request.command)
    if act is None:
        return Answer.refused(f"gh {request.command} cannot be done from here.")
    said = await act(reader)
    return Answer.done(said if isinstance(said, str) else json.dumps(said, indent=2))


async def _view(reader: Reader, kind: str) -> Any:
    number = reader.number()
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
    return await _view(reader, "pulls")


async def _issue(reader: Reader) -> Any:
    return await _view(reader, "issues")


async def _checks(reader: Reader) -> Any:
    pull = await reader.get(f"pulls/{reader.number()}")
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
    number = reader.number()
    if reader.options.get("log") or reader.options.get("log_failed"):
        jobs = (await reader.get(f"actions/runs/{number}/jobs"))["jobs"]
        failed = [job for job in jobs if job["conclusion"] == "failure"]
        return "\n".join([await reader.forge.failed_log(reader.session.repo, job["id"]) for job in failed])
    return await reader.get(f"actions/runs/{number}")


async def _api(reader: Reader) -> Any:
    return await reader.trusted(await reader.forge.gh_read(reader.session.repo, str(reader.options["path"])))


async def _edit(reader: Reader) -> Any:
    own = reader.facts.pull_request
    if own is None or reader.number() != own.number:
        raise UserError(OWN_ONLY if own else NO_PULL)
    title, body = reader.options.get("title"), reader.options.get("body")
    await reader.forge.edit_pull_request(reader.session.repo, own.number, title=title, body=body)
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
