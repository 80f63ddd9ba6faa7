"""The checks of `ao doctor` that ask others: GitHub, the public address, the running service."""

import asyncio
import http.client
import time
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from bot.cli.unix_http import ask
from bot.config import Config
from bot.findings import Finding, failure, passed, warning
from bot.github.client import AiohttpWire
from bot.github.credentials import AppAuth, TokenAuth
from bot.github.gate import Gate
from bot.github.policy import Terms
from bot.github.roots import Roots
from runtime.errors import AoError, ForgeRefused, GoneFromForge

MANIFEST = Path(__file__).parents[1] / "app.yaml"
PATIENCE_S = 10.0

_RANK = {"read": 1, "write": 2, "admin": 3}


def online(config: Config) -> list[Finding]:
    """Ask GitHub, the public address and the service; what cannot be reached is a warning."""
    return [*asyncio.run(_github(config)), _webhook(config), _service(config)]


async def _github(config: Config) -> list[Finding]:
    settings = config.settings
    key, token = settings.github_private_key_file, settings.github_token
    if settings.github_app_id and key and key.is_file():
        auth: AppAuth | TokenAuth = AppAuth(str(settings.github_app_id), key.read_text())
    elif token:
        auth = TokenAuth(token.get_secret_value())
    else:
        return []
    wire = AiohttpWire()
    terms = Terms(credentials=auth, gate=Gate(time.time, asyncio.sleep), timeout=PATIENCE_S)
    try:
        async with asyncio.timeout(PATIENCE_S):
            client = wire.connect(terms, Roots.of(settings.github_api_url))
            answer = await client.getitem("/app" if isinstance(auth, AppAuth) else "/user")
    except (ForgeRefused, GoneFromForge) as error:
        named = "AO_GITHUB_TOKEN" if token else "AO_GITHUB_APP_ID and AO_GITHUB_PRIVATE_KEY_FILE"
        return [
            failure("github", f"GitHub refuses our credentials ({error})", f"correct {named}, or run: ao setup --again")
        ]
    except (AoError, TimeoutError) as error:
        return [
            warning(
                "github",
                f"GitHub cannot be asked ({str(error) or 'no answer'})",
                f"check that {settings.github_api_url} can be reached",
            )
        ]
    finally:
        await wire.close()
    return [_app(answer) if isinstance(auth, AppAuth) else passed("github", f"token of {answer['login']}")]


def _app(answer: dict[str, object]) -> Finding:
    """Compare what the App may and hears with what `app.yaml` asks for."""
    wanted = yaml.safe_load(MANIFEST.read_text())
    granted, events = answer.get("permissions"), answer.get("events")
    has = granted if isinstance(granted, dict) else {}
    hears = events if isinstance(events, list) else []
    lacks = [
        f"{name}: {level}"
        for name, level in wanted["default_permissions"].items()
        if _RANK.get(str(has.get(name)), 0) < _RANK[level]
    ]
    deaf = [name for name in wanted["default_events"] if name not in hears]
    if not lacks and not deaf:
        return passed("github", f"App {answer.get('slug')}, its permissions and events are complete")
    missing = [
        f"{kind} missing: {', '.join(names)}" for kind, names in (("permissions", lacks), ("events", deaf)) if names
    ]
    detail = f"App {answer.get('slug')}: {'; '.join(missing)}"
    return failure("github", detail, "add them on the App's settings page and accept them where it is installed")


def _webhook(config: Config) -> Finding:
    url = config.settings.public_url
    if url is None:
        return warning(
            "webhook", "AO_PUBLIC_URL is not set", "set it to where GitHub reaches the service; see deploy/README.md"
        )
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=PATIENCE_S)
    try:
        connection.request("GET", f"{parts.path}/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return warning(
            "webhook",
            f"{url}/healthz does not answer ({error})",
            "start the service and its tunnel, or correct AO_PUBLIC_URL",
        )
    finally:
        connection.close()
    if status != http.client.OK:
        return warning("webhook", f"{url}/healthz answers {status}", "make AO_PUBLIC_URL lead to the service's AO_PORT")
    return passed("webhook", f"{url} reaches a service")


def _service(config: Config) -> Finding:
    try:
        status, body = ask(config.socket, "GET", "/readyz", None, PATIENCE_S)
    except OSError:
        return warning("service", "not running", "start it: ao serve")
    if status != http.client.OK:
        return failure("service", f"running, but not ready: {body.decode(errors='replace')[:200]}", "look at its log")
    return passed("service", f"running at {config.socket}")
