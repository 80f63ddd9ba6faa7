"""Which hooks hear of a change, and what the message says."""

from __future__ import annotations

import json
import uuid

from bot.demo.github.people import App, Delivery, Hook, Installation, Json, User
from bot.demo.github.records import Repository
from bot.demo.github.refusals import Refusal
from bot.demo.github.shapes.common import node_id
from bot.demo.github.shapes.people import hook as hook_shape
from bot.demo.github.shapes.people import organization, user
from bot.demo.github.shapes.repositories import api_of, repository
from bot.demo.github.world import World

ZEN = "Approachable is better than simple."


def emit(world: World, event: str, action: str | None, repo: Repository, sender: User, **things: object) -> None:
    """Send a repository's event to all its hooks and to the apps installed on it that want it.

    `only=app` keeps it to that one app.
    """
    only = things.pop("only", None)
    payload = _payload(world, action, sender, repo, things)
    if only is None:
        for hook in repo.hooks:
            if event in hook.events or "*" in hook.events:
                _queue(world, hook, event, payload, repo)
    for installation in world.installations_on(repo):
        app = installation.app
        if (only is None and event in app.events) or only is app:
            _queue(world, app.hook, event, _with_installation(payload, installation), repo, installation)


def emit_installation(world: World, event: str, action: str, about: Installation, /, **things: object) -> None:
    """Tell an app about its own installation, subscribed or not."""
    payload = {"action": action, **things, "sender": user(world, about.account)}
    _queue(world, about.app.hook, event, payload, None, about)


def ping(world: World, hook: Hook, *, repo: Repository | None, sender: User) -> None:
    """Send the greeting that every new hook gets."""
    home = api_of(world, repo) if repo else ""
    payload: Json = {"zen": ZEN, "hook_id": hook.id, "hook": hook_shape(world, hook, home)}
    if repo:
        payload |= {"repository": repository(world, repo), "sender": user(world, sender)}
    _queue(world, hook, "ping", payload, repo)


def redeliver(world: World, hook: Hook, number: int) -> None:
    """Send a recorded delivery again, with its GUID and body."""
    for old in hook.deliveries:
        if old.id == number:
            break
    else:
        raise Refusal(404, "Not Found")
    again = Delivery(world.id(), old.guid, old.event, old.action, hook, old.body, old.payload, world.now())
    again.installation_id, again.repository_id = old.installation_id, old.repository_id
    again.redelivery = True
    world.outgoing.put(again)


def wants_own_checks(app: App) -> bool:
    """Whether GitHub makes check suites for this app on every push."""
    return app.permissions.get("checks") == "write"


def _payload(world: World, action: str | None, sender: User, repo: Repository, things: dict[str, object]) -> Json:
    payload: Json = {} if action is None else {"action": action}
    payload |= things
    payload["repository"] = repository(world, repo)
    if repo.owner.type == "Organization":
        payload["organization"] = organization(world, repo.owner)
    payload["sender"] = user(world, sender)
    return payload


def _with_installation(payload: Json, installation: Installation) -> Json:
    return {**payload, "installation": {"id": installation.id, "node_id": node_id("Installation", installation.id)}}


def _queue(
    world: World,
    hook: Hook,
    event: str,
    payload: Json,
    repo: Repository | None,
    installation: Installation | None = None,
) -> None:
    if not hook.active or not hook.url:
        return
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    guid, action = str(uuid.uuid4()), payload.get("action")
    delivery = Delivery(world.id(), guid, event, action, hook, body, payload, world.now())
    delivery.repository_id = repo.id if repo else None
    delivery.installation_id = installation.id if installation else None
    world.outgoing.put(delivery)
