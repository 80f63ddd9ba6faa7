"""Users, apps from manifests, installations and their tokens."""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.demo.github.people import App, Hook, Installation, Json, Token, User
from bot.demo.github.records import Repository
from bot.demo.github.refusals import Refusal, forbidden_to_app, invalid, not_found
from bot.demo.github.shapes import people
from bot.demo.github.shapes.common import node_id
from bot.demo.github.webhooks import emit_installation, ping
from bot.demo.github.world import World

CODE_LIFE = timedelta(hours=1)
UNLISTED = frozenset({"installation", "installation_repositories", "github_app_authorization"})
# The permission (any of them) without which GitHub refuses to subscribe to an event.
NEEDED = {
    "issues": ("issues",),
    "issue_comment": ("issues", "pull_requests"),
    "label": ("issues", "pull_requests"),
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "pull_request_review_comment": ("pull_requests",),
    "pull_request_review_thread": ("pull_requests",),
    "check_run": ("checks",),
    "check_suite": ("checks",),
    "status": ("statuses",),
    "push": ("contents",),
    "workflow_run": ("actions",),
    "workflow_job": ("actions",),
    "merge_group": ("merge_queues",),
    "member": ("members",),
    "repository": ("metadata",),
}
READS = ("read", "write", "admin")


def add_user(world: World, login: str, kind: str = "User") -> User:
    """Make an account; 422 when the login is taken."""
    if login.lower() in world.users:
        raise invalid("User", "login", "already_exists")
    user = User(world.id(), login, world.now(), kind)
    world.users[login.lower()] = user
    return user


def personal_token(world: World, user: User) -> str:
    """A new token of a person, in the form of classic tokens."""
    token = f"ghp_{secrets.token_hex(18)}"
    world.tokens[token] = Token(user)
    return token


def check_manifest(manifest: Json) -> None:
    """Refuse what GitHub refuses: no address, unknown or unlisted events, events without their permission."""
    problems: list[str] = []
    if not manifest.get("url"):
        problems.append('"url" wasn\'t supplied.')
    permissions = {"metadata": "read", **(manifest.get("default_permissions") or {})}
    for event in manifest.get("default_events") or []:
        needed = NEEDED.get(event)
        if event in UNLISTED or needed is None:
            problems.append(f"Default events unsupported: {event}")
        elif not any(permissions.get(name) in READS for name in needed):
            problems.append(f"Default events are not supported by permissions: {event}")
    for key in ("url", "redirect_url"):
        if manifest.get(key) and urlsplit(str(manifest[key])).scheme not in ("http", "https"):
            problems.append(f'"{key}" must be a valid URL')
    if problems:
        raise Refusal(422, f"Invalid GitHub App configuration: {' '.join(problems)}")


def keep_manifest(world: World, owner: User, manifest: Json) -> str:
    """Check a manifest and return the code that turns it into an app within an hour."""
    check_manifest(manifest)
    code = secrets.token_hex(20)
    world.manifests[code] = (owner, manifest, world.now())
    return code


def convert(world: World, code: str, key: rsa.RSAPrivateKey | None = None) -> tuple[App, str]:
    """Make the app of a manifest's code, once; also returns its private key, which is kept nowhere."""
    owner, manifest, kept_at = world.manifests.pop(code, (None, {}, world.now()))
    if owner is None or world.now() > kept_at + CODE_LIFE:
        raise not_found()
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return add_app(world, owner, manifest, _public(key)), _private(key)


def add_app(world: World, owner: User, manifest: Json, public_key: bytes) -> App:
    """Make an app; with an empty key it can never sign."""
    name = str(manifest.get("name") or f"{owner.login}-app")
    slug = _slug(world, name)
    bot = add_user(world, f"{slug}[bot]", "Bot")
    settings = manifest.get("hook_attributes") or {}
    number, secret, now = world.id(), secrets.token_hex(20), world.now()
    events = list(manifest.get("default_events") or [])
    hook = Hook(world.id(), "integration", number, str(settings.get("url", "")), secret, events, now)
    hook.active = bool(settings.get("active", True))
    permissions = {"metadata": "read", **(manifest.get("default_permissions") or {})}
    app = App(
        number, slug, name, owner, bot, f"Iv23li{secrets.token_hex(7)}", secrets.token_hex(20), public_key,
        permissions, events, hook, now, str(manifest.get("url", world.url)), manifest.get("description"),
        str(manifest.get("setup_url") or ""),
    )  # fmt: skip
    world.apps[slug] = app
    if hook.url:
        ping(world, hook, repo=None, sender=owner)
    return app


def install(world: World, app: App, account: User, repositories: list[Repository], selection: str) -> Installation:
    """Install an app on an account's repositories, or add repositories to the installation that is there."""
    found = [one for one in world.installations.values() if one.app is app and one.account is account]
    if found:
        add_repositories(world, found[0], repositories)
        return found[0]
    installation = Installation(world.id(), app, account, selection, list(repositories), world.now())
    world.installations[installation.id] = installation
    shapes = [_named(repo) for repo in repositories]
    shape = people.installation(world, installation)
    emit_installation(world, "installation", "created", installation, installation=shape, repositories=shapes)
    return installation


def add_repositories(world: World, installation: Installation, repositories: list[Repository]) -> None:
    """Give an installation more repositories."""
    new = [repo for repo in repositories if repo not in installation.repositories]
    if new:
        installation.repositories += new
        _announce_repositories(world, installation, added=new, removed=[])


def remove_repositories(world: World, installation: Installation, repositories: list[Repository]) -> None:
    """Take repositories away from an installation."""
    gone = [repo for repo in repositories if repo in installation.repositories]
    if gone:
        installation.repositories = [repo for repo in installation.repositories if repo not in gone]
        _announce_repositories(world, installation, added=[], removed=gone)


def installation_token(
    world: World, installation: Installation, permissions: dict[str, str] | None, names: list[str] | None
) -> tuple[str, Token]:
    """A token of an installation, narrowed on request, in the long form of 2026 with two dots."""
    granted = installation.app.permissions
    for name, level in (permissions or {}).items():
        if READS.index(level) > (READS.index(granted[name]) if name in granted else -1):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    repositories = installation.repositories
    if names is not None:
        repositories = [repo for repo in repositories if repo.name in names]
        if len(repositories) != len(set(names)):
            raise forbidden_to_app()
    expires = world.now() + world.token_life
    chosen = {**permissions, "metadata": "read"} if permissions else dict(granted)
    token = Token(installation.app.bot, installation, chosen, list(repositories), expires)
    text = _stateless(installation, expires)
    world.tokens[text] = token
    return text, token


def _stateless(installation: Installation, expires: datetime) -> str:
    header = {"alg": "RS256", "typ": "JWT", "kid": str(uuid.uuid4())}
    parts = (repr(header), f"{installation.id}:{expires.timestamp()}".ljust(100))
    head, claims = (base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
    return f"ghs_{installation.app.id}_{head}.{claims}.{secrets.token_urlsafe(200)}"


def _announce_repositories(
    world: World, installation: Installation, *, added: list[Repository], removed: list[Repository]
) -> None:
    emit_installation(
        world,
        "installation_repositories",
        "added" if added else "removed",
        installation,
        installation=people.installation(world, installation),
        repository_selection=installation.selection,
        repositories_added=[_named(repo) for repo in added],
        repositories_removed=[_named(repo) for repo in removed],
        requester=None,
    )


def _named(repo: Repository) -> Json:
    shape: Json = {"id": repo.id, "node_id": node_id("Repository", repo.id), "name": repo.name}
    return shape | {"full_name": repo.full_name, "private": repo.private}


def _slug(world: World, name: str) -> str:
    slug = "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
    if slug in world.apps:
        raise Refusal(422, "Name is already taken")
    return slug


def _public(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def _private(key: rsa.RSAPrivateKey) -> str:
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()
