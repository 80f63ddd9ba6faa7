"""Apps: the conversion of a manifest, the app itself, its installations and their tokens."""

from __future__ import annotations

from bot.demo.github.calls import Answer, Call, Table
from bot.demo.github.changes import apps
from bot.demo.github.people import App, Installation, Json
from bot.demo.github.refusals import Refusal, not_found
from bot.demo.github.shapes import people, repositories
from bot.demo.github.shapes.common import stamp
from bot.demo.github.world import World

rest = Table()


def conversion(world: World, app: App, pem: str) -> Json:
    """A new app with everything secret about it, shown this once."""
    keys = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "webhook_secret": app.hook.secret,
        "pem": pem,
    }
    return people.app(world, app) | keys


@rest("POST", "/app-manifests/{code}/conversions")
async def convert(call: Call) -> Answer:
    """Turn a manifest's code into an app."""
    return Answer(201, conversion(call.world, *apps.convert(call.world, call.text("code"))))


def _app(call: Call) -> App:
    if call.caller.app is None:
        raise Refusal(401, "A JSON web token could not be decoded")
    return call.caller.app


def _mine(call: Call) -> list[Installation]:
    return [one for one in call.world.installations.values() if one.app is _app(call)]


def _installation(call: Call) -> Installation:
    for one in _mine(call):
        if one.id == call.number("installation_id"):
            return one
    raise not_found()


@rest("GET", "/app", who="app")
async def myself(call: Call) -> Answer:
    """The app that signs."""
    shape = people.app(call.world, _app(call))
    return Answer(200, {**shape, "installations_count": len(_mine(call))})


@rest("GET", "/apps/{slug}")
async def public(call: Call) -> Answer:
    """Any app."""
    app = call.world.apps.get(call.text("slug"))
    if app is None:
        raise not_found()
    return Answer(200, people.app(call.world, app))


@rest("GET", "/app/installations", who="app")
async def installations(call: Call) -> Answer:
    """Where the app is installed."""
    return call.page(_mine(call), lambda one: people.installation(call.world, one))


@rest("GET", "/app/installations/{installation_id}", who="app")
async def installation(call: Call) -> Answer:
    """One installation."""
    return Answer(200, people.installation(call.world, _installation(call)))


@rest("GET", "/repos/{owner}/{repo}/installation", who="app")
async def on_repository(call: Call) -> Answer:
    """The app's installation on a repository."""
    for one in _mine(call):
        if call.repo in one.repositories:
            return Answer(200, people.installation(call.world, one))
    raise not_found()


@rest("POST", "/app/installations/{installation_id}/access_tokens", who="app")
async def token(call: Call) -> Answer:
    """A token for an installation, narrowed on request."""
    names = call.body.get("repositories")
    numbers = call.body.get("repository_ids")
    installation = _installation(call)
    if numbers is not None:
        names = [repo.name for repo in installation.repositories if repo.id in numbers]
    text, made = apps.installation_token(call.world, installation, call.body.get("permissions"), names)
    selection = installation.selection if names is None else "selected"
    expires = stamp(made.expires_at or call.world.now())
    body: Json = {"token": text, "expires_at": expires, "permissions": made.permissions}
    body["repository_selection"] = selection
    if names is not None:
        body["repositories"] = [repositories.repository(call.world, repo) for repo in made.repositories]
    return Answer(201, body)


@rest("GET", "/installation/repositories", who="installation")
async def accessible(call: Call) -> Answer:
    """The repositories that an installation token reaches."""
    reached = call.caller.token.repositories if call.caller.token else []
    return call.page(reached, lambda repo: repositories.repository(call.world, repo), under="repositories")
