"""The browser's part of making and installing an app: the manifest form, and the choice of repositories."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.demo.github.changes import apps
from bot.demo.github.pages.site import Pages
from bot.demo.github.people import Json, User
from bot.demo.github.refusals import Refusal, not_found
from bot.demo.github.world import World

EMPTY = {"name": "", "url": "", "redirect_url": "", "hook_attributes": {"url": ""}, "default_permissions": {}}


class Setup:
    """These pages act as the repository's or organization's owner: here nobody logs in."""

    def __init__(self, world: World, pages: Pages) -> None:
        self.world = world
        self.pages = pages

    def routes(self) -> list[Route]:
        """The addresses that GitHub uses for it."""
        both = ["GET", "POST"]
        return [
            Route("/settings/apps/new", self.new, methods=both),
            Route("/organizations/{org}/settings/apps/new", self.new, methods=both),
            Route("/apps/{slug}/installations/new", self.install, methods=both),
            Route("/_pages/apps/{slug}", self.app, methods=["GET"]),
        ]

    async def new(self, request: Request) -> Response:
        """Take a manifest and lead back with the code that turns it into an app."""
        if request.method == "GET":
            text = "Paste a manifest, or let your program post it here."
            shown = json.dumps(EMPTY, indent=2)
            return self._form(
                request, "Register a GitHub App from a manifest", "Create GitHub App", text, manifest=shown
            )
        try:
            manifest = _manifest("".join(await _field(request, "manifest")))
            code = apps.keep_manifest(self.world, self._owner(request), manifest)
        except Refusal as refusal:
            return self._form(
                request, "This manifest was refused", "Try again", refusal.message, status=422, manifest=""
            )
        state = request.query_params.get("state")
        query = urlencode({"code": code} | ({"state": state} if state else {}))
        back = str(manifest.get("redirect_url") or f"{self.world.url}/settings/apps")
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{query}", 302)

    async def app(self, request: Request) -> Response:
        """An app's own page leads to its installation."""
        return RedirectResponse(f"/apps/{request.path_params['slug']}/installations/new", 302)

    async def install(self, request: Request) -> Response:
        """Choose the repositories and install the app there."""
        app = self.world.apps.get(str(request.path_params["slug"]))
        if app is None:
            return self._form(request, "404", "Back", not_found().message, status=404)
        if request.method == "GET":
            names = [repo.full_name for repo in self.world.repositories.values()]
            return self._form(request, f"Install {app.name}", "Install", "On these repositories:", choices=names)
        chosen = [self.world.repository(name) for name in await _field(request, "repository")]
        made = [
            apps.install(self.world, app, account, [repo for repo in chosen if repo.owner is account], "selected")
            for account in {repo.owner.id: repo.owner for repo in chosen}.values()
        ]
        if app.setup_url and made:
            query = urlencode({"installation_id": made[0].id, "setup_action": "install"})
            return RedirectResponse(f"{app.setup_url}?{query}", 302)
        text = f"Installed on {', '.join(repo.full_name for repo in chosen) or 'nothing'}. You can close this page."
        return self._form(request, app.name, "Install again", text)

    def _owner(self, request: Request) -> User:
        org = request.path_params.get("org")
        if org is not None:
            return self.world.user(str(org))
        people = [user for user in self.world.users.values() if user.type == "User"]
        if not people:
            raise Refusal(422, "There is no user yet: make one under /_local/users.")
        return people[0]

    def _form(
        self, request: Request, heading: str, button: str, text: str, *, status: int = 200, **more: object
    ) -> Response:
        things = {"heading": heading, "button": button, "text": text, **more}
        return self.pages.show("form.html", request, status=status, refresh=False, **things)


async def _field(request: Request, name: str) -> list[str]:
    form = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True)
    return form.get(name, [])


def _manifest(text: str) -> Json:
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise Refusal(422, "Invalid GitHub App configuration: the manifest is not JSON.") from error
    if not isinstance(manifest, dict):
        raise Refusal(422, "Invalid GitHub App configuration: the manifest is not an object.")
    return manifest
