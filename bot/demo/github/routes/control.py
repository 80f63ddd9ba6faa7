"""The control plane under `/_local/`, for what on GitHub is clicked: see the package's documentation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.github.changes import apps, checks, repositories, reviews
from bot.demo.github.people import Json
from bot.demo.github.records import CheckRun, Repository
from bot.demo.github.refusals import Refusal, not_found
from bot.demo.github.routes.apps import conversion
from bot.demo.github.shapes import people
from bot.demo.github.shapes.common import stamp
from bot.demo.github.shapes.pulls import pull_of
from bot.demo.github.shapes.repositories import full_repository
from bot.demo.github.world import World

Handler = Callable[[World, Request, Json], Any]
COLORS = ("#0969da", "#1a7f37", "#8250df", "#bc4c00", "#bf3989", "#9a6700", "#cf222e")


def create_user(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/users {login, type}`: an account with a personal token."""
    user = apps.add_user(world, str(body["login"]), str(body.get("type", "User")))
    return {**people.user(world, user), "token": apps.personal_token(world, user)}


def create_repository(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/repositories {owner, name, files, private}`."""
    owner = world.user(str(body["owner"]))
    files = {str(name): str(text) for name, text in (body.get("files") or {"README.md": f"# {body['name']}\n"}).items()}
    repo = repositories.create(world, owner, str(body["name"]), files, private=bool(body.get("private")))
    return full_repository(world, repo, "admin")


def fork(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/forks {repository, owner}`."""
    source = world.repository(str(body["repository"]))
    owner = world.user(str(body["owner"]))
    copy = repositories.create(world, owner, source.name, {}, private=source.private, parent=source)
    return full_repository(world, copy, "admin")


def set_role(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/roles {repository, login, role}`."""
    repo = world.repository(str(body["repository"]))
    repositories.set_role(repo, world.user(str(body["login"])), str(body["role"]))
    return {"repository": repo.full_name, "roles": repo.roles}


def create_app(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/apps {owner, manifest}`: an app without the browser's steps."""
    code = apps.keep_manifest(world, world.user(str(body["owner"])), body["manifest"])
    return conversion(world, *apps.convert(world, code))


def install(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/apps/{slug}/installations {account, repositories}`; `repositories` is a list or `all`."""
    app = world.apps.get(str(request.path_params["slug"]))
    if app is None:
        raise not_found()
    account, wanted = world.user(str(body["account"])), body.get("repositories", "all")
    owned = [repo for repo in world.repositories.values() if repo.owner is account]
    chosen = owned if wanted == "all" else [repo for repo in owned if {repo.name, repo.full_name} & set(wanted)]
    made = apps.install(world, app, account, chosen, "all" if wanted == "all" else "selected")
    return people.installation(world, made)


def change_installation(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/installations/{id}/repositories {add, remove}`."""
    made = world.installations.get(int(request.path_params["id"]))
    if made is None:
        raise not_found()
    apps.add_repositories(world, made, [world.repository(name) for name in body.get("add", [])])
    apps.remove_repositories(world, made, [world.repository(name) for name in body.get("remove", [])])
    return people.installation(world, made)


def faults(world: World, request: Request, body: Json) -> list[Json]:
    """`GET|POST|DELETE /_local/faults`: see, add and end troubles; the fields are those of `Faults.add`."""
    if request.method == "DELETE":
        world.faults.clear()
    if request.method == "POST":
        settings = dict(body)
        world.faults.add(str(settings.pop("kind", "")), **settings)
    return world.faults.as_json()


def deliveries(world: World, request: Request, body: Json) -> list[Json]:
    """`GET /_local/deliveries`: every webhook sent, in order; `?full=1` with headers and payload."""
    shape = people.full_delivery if request.query_params.get("full") else people.delivery
    return [{**shape(one), "hook": one.hook.id} for one in world.outgoing.sent]


def requests(world: World, request: Request, body: Json) -> list[Json]:
    """`GET|DELETE /_local/requests`: every request that arrived."""
    if request.method == "DELETE":
        world.requests.clear()
    return [{**asdict(seen), "at": stamp(seen.at)} for seen in world.requests]


def counts(world: World, request: Request, body: Json) -> Json:
    """`GET /_local/counts`: API requests by actor, git's own excepted."""
    return dict(Counter(seen.actor or "anonymous" for seen in world.requests if ".git/" not in seen.path))


def press(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/check-runs/{id}/actions {identifier, login}`: press a check's button."""
    repo, run = find_run(world, int(request.path_params["id"]))
    wanted = {"identifier": str(body["identifier"])}
    if wanted["identifier"] not in [action.get("identifier") for action in run.actions]:
        raise not_found()
    checks.ask(world, repo, run, world.user(str(body["login"])), "requested_action", requested_action=wanted)
    return wanted


def resolve(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/review-comments/{id}/resolve {repository, login, resolved}`: resolve its thread."""
    repo = world.repository(str(body["repository"]))
    issue, said = reviews.find_comment(repo, int(request.path_params["id"]))
    thread, resolved = reviews.thread_of(pull_of(issue), said), bool(body.get("resolved", True))
    reviews.resolve(world, repo, issue, world.user(str(body["login"])), thread, resolved=resolved)
    return {"resolved": resolved}


def find_run(world: World, number: int) -> tuple[Repository, CheckRun]:
    """A check run anywhere, 404 without."""
    for repo in world.repositories.values():
        for suite in repo.suites:
            for run in suite.runs:
                if run.id == number:
                    return repo, run
    raise not_found()


async def idle(world: World, request: Request, body: Json) -> Json:
    """`POST /_local/idle`: answers when all webhooks are sent and no continuous integration runs."""
    await world.background.idle()
    return {"idle": True}


async def log_of(world: World, request: Request) -> Response:
    """A job's log behind its short-lived link."""
    run, until = world.tickets.get(str(request.path_params["ticket"]), (None, world.now()))
    if run is None or until <= world.now():
        return PlainTextResponse("This link has expired.\n", 404)
    return PlainTextResponse(run.log)


async def avatar(world: World, request: Request) -> Response:
    """The user's letter on a color; the pages round it."""
    number = int(request.path_params["id"])
    letter = next((user.login[:1].upper() for user in world.users.values() if user.id == number), "?")
    shape = f'<rect width="40" height="40" fill="{COLORS[number % len(COLORS)]}"/>'
    style = 'x="20" y="27" font-family="system-ui,sans-serif" font-size="20" fill="#fff" text-anchor="middle"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">{shape}<text {style}>{letter}</text></svg>'
    return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "max-age=3600"})


TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "users", create_user),
    ("POST", "repositories", create_repository),
    ("POST", "forks", fork),
    ("POST", "roles", set_role),
    ("POST", "apps", create_app),
    ("POST", "apps/{slug}/installations", install),
    ("POST", "installations/{id:int}/repositories", change_installation),
    ("GET POST DELETE", "faults", faults),
    ("GET", "deliveries", deliveries),
    ("GET DELETE", "requests", requests),
    ("GET", "counts", counts),
    ("POST", "check-runs/{id:int}/actions", press),
    ("POST", "review-comments/{id:int}/resolve", resolve),
    ("POST", "idle", idle),
)


def routes(world: World) -> list[Route]:
    """The control plane's routes, with the two public files that other answers point to."""

    def bound(handle: Callable[[World, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            return await handle(world, request)

        return serve

    own = [Route(f"/_local/{path}", _endpoint(world, handle), methods=methods.split())
           for methods, path, handle in TABLE]  # fmt: skip
    files = [Route("/_local/logs/{ticket}", bound(log_of)), Route("/_local/avatars/{id:int}.svg", bound(avatar))]
    return own + files


def _endpoint(world: World, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            raw = await request.body()
            result = handle(world, request, json.loads(raw) if raw else {})
            answer = await result if hasattr(result, "__await__") else result
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.status)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return JSONResponse({"message": f"{type(error).__name__}: {error}", "status": "400"}, 400)
        return JSONResponse(answer, 201 if request.method == "POST" else 200)

    return serve
