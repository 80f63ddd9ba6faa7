"""How each kind of outbox row reaches GitHub, exactly once even when an earlier try may have."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bot.github.marker import marker
from bot.github.policy import Policy
from runtime.errors import ForgeRefused, GoneFromForge
from runtime.store.outbox import Outgoing

LOOK_BACK = 600.0  # clocks differ; `since` only spares us the older pages


@dataclass(frozen=True)
class Sent:
    """What GitHub made of it."""

    remote_id: str | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One row on its way: whose client, which row, and the text it carries."""

    client: Policy
    row: Outgoing
    body: str
    """The text as it may leave, its marker last."""
    title: str
    login: str
    """Ours: only what we wrote ourselves is recognised by its marker."""

    @property
    def path(self) -> str:
        """Return the repository's path."""
        return f"/repos/{quote(self.row.repo)}"

    @property
    def mark(self) -> str:
        """Return this row's marker."""
        return marker(self.row.kind, self.row.mark)

    async def written(self, listing: str) -> Sent | None:
        """Find what an earlier try left behind, by its marker."""
        since = datetime.fromtimestamp(self.row.created_at - LOOK_BACK, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        async for one in self.client.pages(f"{self.path}{listing}?per_page=100&since={since}"):
            if self.mark in (one["body"] or "") and self._by_us(one):
                return _comment(one)
        return None

    def _by_us(self, one: Any) -> bool:
        return bool(one["user"]) and one["user"]["login"].lower() == self.login.lower()


def _comment(data: Any) -> Sent:
    return Sent(str(data["id"]), {"id": data["id"], "url": data["html_url"]})


async def comment(parcel: Parcel) -> Sent:
    """Comment on an issue or pull request."""
    listing = f"/issues/{int(parcel.row.payload['number'])}/comments"
    if parcel.row.uncertain and (found := await parcel.written(listing)):
        return found
    return _comment(await parcel.client.post(parcel.path + listing, data={"body": parcel.body}))


async def status_comment(parcel: Parcel) -> Sent:
    """Write the status comment once, then edit it when its text is another."""
    known, digest = parcel.row.remote_id, hashlib.sha256(parcel.body.encode()).hexdigest()
    before = parcel.row.result or {}
    if known and not parcel.row.uncertain and before.get("digest") == digest:
        return Sent(known, before)
    if known is None and parcel.row.uncertain:
        found = await parcel.written(f"/issues/{int(parcel.row.payload['number'])}/comments")
        known = found.remote_id if found else None
    if known is None:
        where = f"{parcel.path}/issues/{int(parcel.row.payload['number'])}/comments"
        made = _comment(await parcel.client.post(where, data={"body": parcel.body}))
    else:
        where = f"{parcel.path}/issues/comments/{known}"
        made = _comment(await parcel.client.patch(where, data={"body": parcel.body}))
    return Sent(made.remote_id, made.result | {"digest": digest})


async def reply(parcel: Parcel) -> Sent:
    """Answer inside a review thread; `comment_id` is the thread's first comment."""
    listing = f"/pulls/{int(parcel.row.payload['pull'])}/comments"
    if parcel.row.uncertain and (found := await parcel.written(listing)):
        return found
    thread = f"{parcel.path}{listing}/{int(parcel.row.payload['comment_id'])}/replies"
    return _comment(await parcel.client.post(thread, data={"body": parcel.body}))


async def reaction(parcel: Parcel) -> Sent:
    """React; GitHub answers 200 when the reaction is there already."""
    payload = parcel.row.payload
    subject = int(payload.get("id") or payload.get("number") or 0)
    under = {"issue": "issues", "issue_comment": "issues/comments", "review_comment": "pulls/comments"}
    where = f"{parcel.path}/{under[payload['subject']]}/{subject}/reactions"
    made = await parcel.client.post(where, data={"content": payload["content"]})
    return Sent(None, {"id": made["id"]})


async def label(parcel: Parcel) -> Sent:
    """Put a label on; GitHub makes a label that does not exist yet."""
    where = f"{parcel.path}/issues/{int(parcel.row.payload['number'])}/labels"
    await parcel.client.post(where, data={"labels": [parcel.row.payload["name"]]})
    return Sent()


async def unlabel(parcel: Parcel) -> Sent:
    """Take a label off; one that is not there is off."""
    name = quote(parcel.row.payload["name"], safe="")
    try:
        await parcel.client.delete(f"{parcel.path}/issues/{int(parcel.row.payload['number'])}/labels/{name}")
    except GoneFromForge:
        return Sent(None, {"absent": True})
    return Sent()


async def assign(parcel: Parcel) -> Sent:
    """Assign an issue or pull request; GitHub says nothing when it does not take somebody, so its answer is read."""
    number, login = int(parcel.row.payload["number"]), str(parcel.row.payload["login"])
    where = f"{parcel.path}/issues/{number}/assignees"
    found = await parcel.client.post(where, data={"assignees": [login]})
    if login.lower() not in [one["login"].lower() for one in found["assignees"]]:
        raise ForgeRefused(f"GitHub does not take {login} as an assignee of #{number}", status=422)
    return Sent()


async def pull_request(parcel: Parcel) -> Sent:
    """Open the pull request of a branch, or find the one that is open."""
    if parcel.row.uncertain and (found := await _open_pull(parcel)):
        return found
    payload = parcel.row.payload
    data = {
        "head": payload["head"], "base": payload["base"], "draft": bool(payload.get("draft")),
        "title": parcel.title, "body": parcel.body,
    }  # fmt: skip
    try:
        return _pull(await parcel.client.post(f"{parcel.path}/pulls", data=data))
    except ForgeRefused as exc:
        if exc.status == 422 and (found := await _open_pull(parcel)):
            return found
        raise


async def _open_pull(parcel: Parcel) -> Sent | None:
    head = parcel.row.payload["head"]
    owned = head if ":" in head else f"{parcel.row.repo.split('/')[0]}:{head}"
    found = await parcel.client.getitem(f"{parcel.path}/pulls?state=open&head={quote(owned, safe=':/')}")
    return _pull(found[0]) if found else None


def _pull(data: Any) -> Sent:
    result = {"number": data["number"], "url": data["html_url"], "head_sha": data["head"]["sha"]}
    return Sent(str(data["number"]), result)


SENDS: dict[str, Callable[[Parcel], Awaitable[Sent]]] = {
    "comment": comment,
    "status_comment": status_comment,
    "reply": reply,
    "reaction": reaction,
    "label": label,
    "unlabel": unlabel,
    "assign": assign,
    "pull_request": pull_request,
}
