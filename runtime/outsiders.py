"""Leaves out of what the forge says the words and code of those who are not listened to."""

from collections.abc import Awaitable, Callable
from typing import Any

from runtime.errors import UserError
from runtime.visible import plain, visible

Trusts = Callable[[str, str], Awaitable[bool]]
"""Tells whether agents may read what a login wrote in a repository."""

LEFT_OUT = "[left out: {why}]"
THEIRS = "What {what} brings is not shown here: {why}. Ask a person in your pull request to look at it."
_WORDS = ("title", "body", "diff_hunk", "display_title")
_AUTHORS = ("user", "actor")
_STATE = (
    "id", "number", "state", "draft", "status", "conclusion", "mergeable", "labels", "html_url", "created_at",
    "updated_at", "closed_at", "merged_at", "submitted_at", "in_reply_to_id",
)  # fmt: skip


class Outsiders:
    """Those of one repository."""

    def __init__(self, repo: str, trusts: Trusts) -> None:
        self._repo = repo
        self._trusts = trusts

    async def left_out_of(self, data: Any, name: str = "") -> Any:
        """Return the data as people see it on the page, with of outsiders' objects only their state."""
        if isinstance(data, str):
            return plain(visible(data) if name == "body" else data)
        if isinstance(data, list):
            return [await self.left_out_of(one) for one in data]
        if not isinstance(data, dict):
            return data
        if why := await self._against_author(data):
            return _withheld(data, why)
        return {key: await self.left_out_of(value, key) for key, value in data.items()}

    async def check_run(self, run: dict[str, Any]) -> None:
        """Raise `UserError` when the run is an outsider's."""
        if why := await self._against_author(run):
            raise UserError(THEIRS.format(what=f"run {run['id']}", why=why))

    async def check_code(self, pull: dict[str, Any]) -> None:
        """Raise `UserError` when the branch of a pull request is in an outsider's fork."""
        head, base = pull["head"], pull["base"]
        if head["repo"] is not None and head["repo"]["id"] == base["repo"]["id"]:
            return
        if why := await self._against(_login(head["user"])):
            raise UserError(THEIRS.format(what=f"pull request #{pull['number']}", why=why))

    async def _against_author(self, data: dict[str, Any]) -> str | None:
        by = next((key for key in _AUTHORS if key in data), None)
        if by is None or not any(word in data for word in _WORDS):
            return None
        return await self._against(_login(data[by]))

    async def _against(self, login: str) -> str | None:
        """Return why somebody's words do not count, or None when they do."""
        if await self._trusts(self._repo, login):
            return None
        return f"{login} is a bot" if login.endswith("[bot]") else f"{login} has no write permission"


def _withheld(data: dict[str, Any], why: str) -> dict[str, Any]:
    by = {key: {"login": _login(data[key])} for key in _AUTHORS if key in data}
    said = {word: LEFT_OUT.format(why=why) for word in _WORDS if word in data}
    return {key: data[key] for key in _STATE if key in data} | by | said


def _login(user: Any) -> str:
    """Return a user's login; GitHub shows those who have left it as nobody, and calls them `ghost`."""
    return str(user["login"]) if user else "ghost"
