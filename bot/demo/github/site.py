"""All addresses of the local GitHub in one application."""

from __future__ import annotations

from itertools import chain

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.demo.github import api
from bot.demo.github.calls import Rest
from bot.demo.github.entrance import Entrance
from bot.demo.github.gitserver import GitServer
from bot.demo.github.graphql.door import Door
from bot.demo.github.pages.setup import Setup
from bot.demo.github.pages.site import Pages
from bot.demo.github.refusals import not_found
from bot.demo.github.routes import apps, checks, control, hooks, issues, meta, pulls, repos, reviews
from bot.demo.github.world import World

TABLES = (meta, apps, hooks, issues, reviews, pulls, checks, repos)


async def nothing_here(request: Request, error: Exception) -> Response:
    """404 in GitHub's shape for every address that is none."""
    status = getattr(error, "status_code", 404)
    return JSONResponse(not_found().body() | {"status": str(status)}, status)


def build(world: World) -> ASGIApp:
    """The application, with the entrance in front."""
    rests: list[Rest] = list(chain.from_iterable(module.rest.routes for module in TABLES))
    routes = control.routes(world)
    routes += [Route(rest.path, api.endpoint(world, rest), methods=[rest.method]) for rest in rests]
    routes.append(Route("/graphql", Door(world).serve, methods=["POST"]))
    routes.append(Route("/{owner}/{repo}.git/{rest:path}", GitServer(world).serve, methods=["GET", "POST"]))
    pages = Pages(world)
    routes += [*Setup(world, pages).routes(), *pages.routes()]
    app = Starlette(routes=routes, exception_handlers={404: nothing_here, 405: nothing_here})
    return Entrance(app, world)
