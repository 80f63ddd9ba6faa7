"""Hooks of apps and of repositories: configuration, what was delivered, and delivering it again."""

from __future__ import annotations

from bot.demo.github.calls import Answer, Call, Table
from bot.demo.github.people import Delivery, Hook, Json
from bot.demo.github.refusals import Refusal, not_found
from bot.demo.github.shapes import people
from bot.demo.github.shapes.repositories import api_of
from bot.demo.github.webhooks import ping, redeliver

rest = Table()
HOOKS = "/repos/{owner}/{repo}/hooks"


def _of_app(call: Call) -> Hook:
    if call.caller.app is None:
        raise not_found()
    return call.caller.app.hook


def _of_repository(call: Call) -> Hook:
    for hook in call.repo.hooks:
        if hook.id == call.number("hook_id"):
            return hook
    raise not_found()


def _hook(call: Call) -> Hook:
    return _of_repository(call) if "hook_id" in call.request.path_params else _of_app(call)


@rest("GET", "/app/hook/config", who="app")
async def config(call: Call) -> Answer:
    """Where the app's webhooks go."""
    return Answer(200, people.hook_config(_of_app(call)))


@rest("PATCH", "/app/hook/config", who="app")
async def configure(call: Call) -> Answer:
    """Change where the app's webhooks go, or their secret."""
    hook = _of_app(call)
    _apply(hook, call.body)
    return Answer(200, people.hook_config(hook))


@rest("GET", HOOKS, needs="repository_hooks:read", role="admin")
async def listing(call: Call) -> Answer:
    """The repository's hooks."""
    return call.page(call.repo.hooks, lambda hook: people.hook(call.world, hook, api_of(call.world, call.repo)))


@rest("POST", HOOKS, needs="repository_hooks:write", role="admin")
async def create(call: Call) -> Answer:
    """A new hook of the repository; it gets a ping."""
    settings = call.body.get("config") or {}
    if not settings.get("url"):
        raise Refusal(422, "Validation Failed", [{"resource": "Hook", "code": "custom", "message": "url is required"}])
    if any(hook.url == settings["url"] for hook in call.repo.hooks):
        message = "Hook already exists on this repository"
        raise Refusal(422, "Validation Failed", [{"resource": "Hook", "code": "custom", "message": message}])
    repo, world = call.repo, call.world
    hook = Hook(world.id(), "repository", repo.id, "", "", call.strings("events") or ["push"], world.now())
    _apply(hook, settings)
    hook.active = bool(call.body.get("active", True))
    repo.hooks.append(hook)
    ping(world, hook, repo=repo, sender=call.caller.user)
    return Answer(201, people.hook(world, hook, api_of(world, repo)))


@rest("GET", f"{HOOKS}/{{hook_id}}", needs="repository_hooks:read", role="admin")
async def one(call: Call) -> Answer:
    """One hook."""
    return Answer(200, people.hook(call.world, _of_repository(call), api_of(call.world, call.repo)))


@rest("DELETE", f"{HOOKS}/{{hook_id}}", needs="repository_hooks:write", role="admin")
async def delete(call: Call) -> Answer:
    """Remove a hook."""
    call.repo.hooks.remove(_of_repository(call))
    return Answer(204)


@rest("GET", f"{HOOKS}/{{hook_id}}/deliveries", needs="repository_hooks:read", role="admin")
@rest("GET", "/app/hook/deliveries", who="app")
async def deliveries(call: Call) -> Answer:
    """What was delivered, newest first, in pages by cursor."""
    found = [each for each in reversed(_hook(call).deliveries) if each.delivered_at and _fits(each, call)]
    cursor, size = call.query("cursor"), min(int(call.query("per_page", "30")), 100)
    if cursor:
        found = [each for each in found if each.id <= int(cursor.removeprefix("v1_"))]
    headers: dict[str, str] = {}
    if len(found) > size:
        address = call.request.url.include_query_params(cursor=f"v1_{found[size].id}", per_page=size)
        headers["Link"] = f'<{call.world.url}{address.path}?{address.query}>; rel="next"'
    return Answer(200, [people.delivery(each) for each in found[:size]], headers)


def _fits(delivery: Delivery, call: Call) -> bool:
    wanted = call.query("status")
    worked = 200 <= delivery.status_code < 400
    return not wanted or worked == (wanted == "success")


@rest("GET", f"{HOOKS}/{{hook_id}}/deliveries/{{delivery_id}}", needs="repository_hooks:read", role="admin")
@rest("GET", "/app/hook/deliveries/{delivery_id}", who="app")
async def delivery(call: Call) -> Answer:
    """One delivery with everything sent and answered."""
    for each in _hook(call).deliveries:
        if each.id == call.number("delivery_id"):
            return Answer(200, people.full_delivery(each))
    raise not_found()


@rest("POST", f"{HOOKS}/{{hook_id}}/deliveries/{{delivery_id}}/attempts", needs="repository_hooks:write", role="admin")
@rest("POST", "/app/hook/deliveries/{delivery_id}/attempts", who="app")
async def attempt(call: Call) -> Answer:
    """Deliver again, with the same GUID."""
    redeliver(call.world, _hook(call), call.number("delivery_id"))
    return Answer(202, {})


def _apply(hook: Hook, settings: Json) -> None:
    hook.url = str(settings.get("url", hook.url))
    hook.secret = str(settings.get("secret", hook.secret))
    hook.content_type = str(settings.get("content_type", hook.content_type))
