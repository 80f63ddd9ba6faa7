"""`ao setup`: creates the bot's GitHub App through GitHub's manifest flow, and sees that it works.

Each step looks first at what is there, so that an interrupted run is continued by the next one.
"""

import asyncio
import contextlib
import ipaddress
import secrets
import time
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.config import Config, data_dir, make_data_dir, read
from bot.doctor_online import MANIFEST
from bot.github.client import AiohttpWire
from bot.github.gate import Gate
from bot.github.manifest import AppCredentials, anonymous, build_manifest, convert, form_address
from bot.github.roots import PUBLIC, Roots
from bot.setup_page import Ear, Page, serving
from bot.setup_places import Places, what_next
from runtime.errors import ConfigError, UserError

CODE_WAIT_S = 3600.0
"""As long as GitHub keeps the code: https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest"""
INSTALL_WAIT_S = 900.0
DELIVERY_WAIT_S = 30.0

_NO_URL = (
    "GitHub must be able to reach the service. Give its address with --public-url https://…, "
    "for example that of a tunnel to port {port}; deploy/README.md shows three ways"
)


@dataclass(frozen=True)
class Wishes:
    """What was asked for on the command line."""

    public_url: str | None = None
    org: str | None = None
    name: str | None = None
    browser: bool = True
    port: int = 0
    again: bool = False


@dataclass
class Setup:
    """One run; `say` shows a line to the person."""

    wishes: Wishes
    config: Config
    wire: AiohttpWire
    say: Callable[[str], None]

    @property
    def directory(self) -> Path:
        """Where the App's keys are kept."""
        return self.config.data_dir / "github-app"

    @property
    def roots(self) -> Roots:
        """Where this GitHub is."""
        return Roots.of(self.config.settings.github_api_url)

    async def run(self) -> int:
        """Go through the steps; 0 when all is done, 1 when something is left to do, which has been said."""
        stored = AppCredentials.load(self.directory)
        made_now = stored is None or self.wishes.again
        url = self._public_url() if made_now else ""
        async with self._ear() as ear:
            if stored is None or self.wishes.again:
                app = await self._create(url)
            else:
                app = stored
                self.say(f"✓ The App {app.slug} exists already: {app.html_url}")
                self.say(f"  Its keys are in {self.directory}. To replace it: ao setup --again")
            places = Places(app, self.config, self.roots, self.wire, self.say)
            if not await places.installed():
                self._open("Install it on your repositories", f"{self.roots.web}/apps/{app.slug}/installations/new")
                if not await places.wait(INSTALL_WAIT_S):
                    self.say("✗ The App is not installed anywhere yet. Install it, then run: ao setup")
                    return 1
            repositories = await places.repositories()
            heard = not made_now or await self._heard(ear, app, url)
        await places.label(repositories)
        for line in what_next(self.config, repositories, url):
            self.say(line)
        return 0 if heard else 1

    def _public_url(self) -> str:
        settings = self.config.settings
        url = (self.wishes.public_url or settings.public_url or "").rstrip("/")
        if not url and self.roots.rest != PUBLIC:
            return f"http://{settings.host}:{settings.port}"
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise UserError(_NO_URL.format(port=settings.port))
        if self.roots.rest == PUBLIC and _loopback(parts.hostname):
            raise UserError(f"{url} is this machine only. {_NO_URL.format(port=settings.port)}")
        return url

    @contextlib.asynccontextmanager
    async def _ear(self) -> AsyncIterator[Ear | None]:
        """Listen where the service will; None when it is running there already."""
        ear = Ear()
        settings = self.config.settings
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(serving(ear.app(), settings.host, settings.port))
            except ConfigError:
                yield None
            else:
                yield ear

    async def _create(self, url: str) -> AppCredentials:
        state = secrets.token_urlsafe(24)
        action = form_address(self.roots.web, state=state, organization=self.wishes.org)
        page = Page({}, action, state)
        async with serving(page.app(), "127.0.0.1", self.wishes.port) as port:
            here = f"http://127.0.0.1:{port}"
            page.manifest = build_manifest(
                MANIFEST,
                webhook_url=f"{url}/webhook",
                redirect_url=f"{here}/created",
                homepage=url,
                name=self.wishes.name or f"ao-{secrets.token_hex(3)}",
            )
            self._open("Create the App", f"{here}{page.start}")
            async with asyncio.timeout(CODE_WAIT_S):
                code = await page.code
        gate = Gate(time.time, asyncio.sleep)
        app = await convert(self.wire.connect(anonymous(gate), self.roots), code, self.directory)
        self.say(f"✓ The App {app.slug} is created: {app.html_url}")
        self.say(f"  Its keys are in {self.directory}, readable by you only.")
        return app

    async def _heard(self, ear: Ear | None, app: AppCredentials, url: str) -> bool:
        if ear is None:
            self.say("△ Something listens on our port, so no test delivery was awaited. Restart the service: ao serve")
            return True
        try:
            async with asyncio.timeout(DELIVERY_WAIT_S):
                await ear.verified(app.webhook_secret)
        except TimeoutError:
            self.say(f"✗ No delivery of GitHub has arrived through {url}/webhook.")
            self.say(
                f"  Make it lead to port {self.config.settings.port} here. What GitHub tried: {app.html_url}/advanced"
            )
            return False
        self.say("✓ GitHub's test delivery has arrived, and its signature is right.")
        return True

    def _open(self, what: str, address: str) -> None:
        self.say(f"→ {what}: {address}")
        if self.wishes.browser:
            webbrowser.open(address)


def run(wishes: Wishes, environ: Mapping[str, str], cwd: Path) -> int:
    """Run the setup in the terminal; Ctrl+C leaves what is done, and the next run goes on from there."""
    reading = read(environ, cwd)
    if reading.config is None or reading.problems:
        raise ConfigError("\n".join(reading.problems))
    make_data_dir(data_dir(environ, cwd))
    for name in ("AO_GITHUB_TOKEN", "AO_GITHUB_APP_ID"):
        if environ.get(name):
            raise UserError(f"{name} is set and would be used instead of the new App. Unset it, then run: ao setup")
    try:
        return asyncio.run(_run(wishes, reading.config))
    except TimeoutError:
        raise UserError("Nobody created the App within the hour. Run again: ao setup") from None
    except KeyboardInterrupt:
        print("\nStopped. What is done is kept; go on with: ao setup")
        return 1


async def _run(wishes: Wishes, config: Config) -> int:
    wire = AiohttpWire()
    try:
        return await Setup(wishes, config, wire, lambda line: print(line, flush=True)).run()
    finally:
        await wire.close()


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
