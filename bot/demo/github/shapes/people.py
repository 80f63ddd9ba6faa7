"""The JSON of users, apps, installations and hooks."""

from __future__ import annotations

from urllib.parse import quote

from bot.demo.github.people import App, Delivery, Hook, Installation, Json, User
from bot.demo.github.shapes.common import node_id, stamp
from bot.demo.github.world import World

USER_LINKS = ("followers", "subscriptions", "repos", "received_events")


def user(world: World, who: User) -> Json:
    """A user as it stands inside other things."""
    api = f"{world.url}/users/{quote(who.login)}"
    shape: Json = {
        "login": who.login,
        "id": who.id,
        "node_id": node_id("User", who.id),
        "avatar_url": f"{world.url}/_local/avatars/{who.id}.svg",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{world.url}/{who.login}" if who.type != "Bot" else f"{world.url}/apps/{slug_of(who)}",
        "organizations_url": f"{api}/orgs",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "events_url": f"{api}/events{{/privacy}}",
        "type": who.type,
        "site_admin": False,
    }
    return shape | {f"{name}_url": f"{api}/{name}" for name in USER_LINKS}


def slug_of(bot: User) -> str:
    """The app's slug in its bot's login."""
    return bot.login.removesuffix("[bot]")


def full_user(world: World, who: User) -> Json:
    """A user as `GET /users/{login}` shows it."""
    nothing = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio", "twitter_username"))
    owned = [one for one in world.repositories.values() if one.owner is who]
    counts = {"public_repos": len(owned), "public_gists": 0, "followers": 0, "following": 0}
    times = {"created_at": stamp(who.created_at), "updated_at": stamp(who.created_at)}
    return {**user(world, who), "user_view_type": "public", **nothing, "blog": "", **counts, **times}


def organization(world: World, who: User) -> Json:
    """An organization as webhooks carry it beside the repository."""
    api = f"{world.url}/orgs/{who.login}"
    links = {f"{name}_url": f"{api}/{name}" for name in ("repos", "events", "hooks", "issues")}
    return {
        "login": who.login,
        "id": who.id,
        "node_id": node_id("Organization", who.id),
        "url": api,
        **links,
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{world.url}/_local/avatars/{who.id}.svg",
        "description": "",
    }


def app(world: World, one: App) -> Json:
    """An app as everybody sees it."""
    return {
        "id": one.id,
        "slug": one.slug,
        "node_id": node_id("App", one.id),
        "owner": user(world, one.owner),
        "name": one.name,
        "description": one.description or "",
        "external_url": one.external_url,
        "html_url": f"{world.url}/apps/{one.slug}",
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "permissions": one.permissions,
        "events": one.events,
    }


def installation(world: World, one: Installation) -> Json:
    """An installation in full."""
    organized = one.account.type == "Organization"
    settings = f"organizations/{one.account.login}/settings" if organized else "settings"
    return {
        "id": one.id,
        "account": user(world, one.account),
        "repository_selection": one.selection,
        "access_tokens_url": f"{world.url}/app/installations/{one.id}/access_tokens",
        "repositories_url": f"{world.url}/installation/repositories",
        "html_url": f"{world.url}/{settings}/installations/{one.id}",
        "app_id": one.app.id,
        "app_slug": one.app.slug,
        "target_id": one.account.id,
        "target_type": one.account.type,
        "permissions": one.app.permissions,
        "events": one.app.events,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": None,
    }


def hook_config(hook: Hook) -> Json:
    """A hook's configuration; GitHub never shows the secret."""
    shape = {"content_type": hook.content_type, "insecure_ssl": "0", "url": hook.url}
    return shape | ({"secret": "********"} if hook.secret else {})


def hook(world: World, one: Hook, home: str) -> Json:
    """A hook; `home` is the address of its repository, empty for an app's."""
    shape: Json = {
        "type": "Repository" if home else "App",
        "id": one.id,
        "name": "web",
        "active": one.active,
        "events": one.events,
        "config": hook_config(one),
        "updated_at": stamp(one.created_at),
        "created_at": stamp(one.created_at),
    }
    if not home:
        own = f"{world.url}/app/hook"
        links = {"url": own, "ping_url": f"{own}/pings", "deliveries_url": f"{own}/deliveries"}
        return shape | {"app_id": one.target_id} | links
    api = f"{home}/hooks/{one.id}"
    last: Json = {"code": None, "status": "unused", "message": None}
    if one.deliveries:
        last = {"code": one.deliveries[-1].status_code, "status": "active", "message": one.deliveries[-1].status}
    links = {"url": api, "test_url": f"{api}/tests", "ping_url": f"{api}/pings"}
    return shape | links | {"deliveries_url": f"{api}/deliveries", "last_response": last}


def delivery(one: Delivery) -> Json:
    """A delivery as the listing shows it."""
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": stamp(one.delivered_at or one.created_at),
        "redelivery": one.redelivery,
        "duration": round(one.duration, 3),
        "status": one.status,
        "status_code": one.status_code,
        "event": one.event,
        "action": one.action,
        "installation_id": one.installation_id,
        "repository_id": one.repository_id,
        "throttled_at": None,
    }


def full_delivery(one: Delivery) -> Json:
    """A delivery with what was sent and answered."""
    request = {"headers": one.headers, "payload": one.payload}
    response = {"headers": one.response_headers, "payload": one.response_body}
    return {**delivery(one), "url": one.hook.url, "request": request, "response": response}
