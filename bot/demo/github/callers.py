"""Who calls: personal tokens, installation tokens, app JWTs, and what each may do."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import jwt

from bot.demo.github.people import App, Token, User
from bot.demo.github.records import Repository
from bot.demo.github.refusals import Refusal, forbidden_to_app, not_found
from bot.demo.github.world import World

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
WRITERS = ("write", "maintain", "admin")
LEVELS = ("read", "write", "admin")
ISSUED_AT = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
EXPIRES = "'Expiration time' claim ('exp') must be a numeric value representing the future time of expiry"
TOO_FAR = "'Expiration time' claim ('exp') is too far in the future"
LONGEST_JWT = 600  # https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app


@dataclass(frozen=True)
class Caller:
    """Nobody, an app signing as itself, or the holder of a token."""

    app: App | None = None
    token: Token | None = None

    @property
    def name(self) -> str:
        """The name for rates, logs and counters."""
        if self.token is not None:
            return self.token.user.login
        return f"app:{self.app.slug}" if self.app else "anonymous"

    @property
    def user(self) -> User:
        """Whose name a change gets; 401 for nobody."""
        if self.token is None:
            raise Refusal(401, "Requires authentication")
        return self.token.user

    @property
    def writing_app(self) -> App | None:
        """The app behind an installation token."""
        return self.token.installation.app if self.token and self.token.installation else None


def identify(world: World, authorization: str) -> Caller:
    """The caller of an Authorization header; 401 for anything that is not valid now."""
    scheme, _, credential = authorization.strip().partition(" ")
    if not scheme:
        return Caller()
    if scheme.lower() == "basic":
        return by_token(world, basic_password(credential))
    if scheme.lower() not in ("bearer", "token"):
        raise bad_credentials()
    credential = credential.strip()
    if credential.count(".") == 2 and not credential.startswith("gh"):
        return Caller(app=_by_jwt(world, credential))
    return by_token(world, credential)


def by_token(world: World, text: str) -> Caller:
    """The holder of a token; 401 when it is unknown or has expired."""
    token = world.tokens.get(text)
    if token is None or (token.expires_at is not None and token.expires_at <= world.now()):
        raise bad_credentials()
    return Caller(token=token)


def basic_password(credential: str) -> str:
    """The password of basic credentials; git sends the token there."""
    try:
        return base64.b64decode(credential, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise bad_credentials() from error


def bad_credentials() -> Refusal:
    """401 for what is not a valid credential."""
    return Refusal(401, "Bad credentials")


def require(caller: Caller, repo: Repository, needs: str, role: str) -> None:
    """Refuse unless the caller may do this: an app by `needs` (`issues|pull_requests:write`), a person by `role`."""
    token = caller.token
    if token is not None and token.installation is not None:
        if repo not in token.repositories or repo not in token.installation.repositories:
            raise not_found() if repo.private else forbidden_to_app()
        if not app_may(token.permissions, needs):
            raise forbidden_to_app()
        return
    have = repo.role(token.user) if token else ("none" if repo.private else "read")
    if have == "none":
        raise not_found()
    if token is None and needs.endswith(":write"):
        raise Refusal(401, "Requires authentication")
    if ROLES.index(have) < ROLES.index(role):
        raise Refusal(403, "Must have admin rights to Repository." if role == "admin" else "Resource not accessible")


def app_may(granted: dict[str, str], needs: str) -> bool:
    """Whether granted permissions contain any of those in `needs`."""
    names, _, level = needs.partition(":")
    if not names:
        return True
    return any(name in granted and LEVELS.index(granted[name]) >= LEVELS.index(level) for name in names.split("|"))


def _by_jwt(world: World, text: str) -> App:
    try:
        claims = jwt.decode(text, options={"verify_signature": False})
        app = world.app_by_issuer(str(claims.get("iss", "")))
    except jwt.InvalidTokenError as error:
        raise Refusal(401, "A JSON web token could not be decoded") from error
    if app is None:
        raise Refusal(401, "Integration not found")
    try:
        jwt.decode(
            text,
            app.public_key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_sub": False, "require": ["iat", "exp", "iss"]},
        )
    except jwt.InvalidTokenError as error:
        raise Refusal(401, "A JSON web token could not be decoded") from error
    _check_times(world, claims)
    return app


def _check_times(world: World, claims: dict[str, object]) -> None:
    now = world.now().timestamp()
    issued, expires = claims["iat"], claims["exp"]
    if not isinstance(issued, int) or issued > now + 30:
        raise Refusal(401, ISSUED_AT)
    if not isinstance(expires, int) or expires <= now:
        raise Refusal(401, EXPIRES)
    if expires > now + LONGEST_JWT:
        raise Refusal(401, TOO_FAR)
