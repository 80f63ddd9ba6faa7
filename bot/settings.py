"""The settings of the service: environment, secret files, configuration file, a stored App, defaults."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from bot.config import absolute
from bot.config_problems import Locate, line, lines_of, nearest
from runtime.errors import UserError

if TYPE_CHECKING:
    from bot.config_file import ConfigFile

SECRET_LENGTH = 16

_FOR_AGENTS = re.compile(r"AO_(SESSION.*|LAUNCH|PROJECT_ID|ISSUE_ID|SCRIPT|SPEED)")
_LATER = {"AO_DASHBOARD_PORT": "the dashboard is not available yet; unset it"}
_ELSEWHERE = {"AO_DATA_DIR", "AO_CONFIG_PATH", "AO_SECRETS_DIR"}
_NO_SECRET = "missing; set one of at least 16 characters (`openssl rand -hex 32` makes one), or run `ao setup`"  # noqa: S105 - a sentence
_NO_IDENTITY = "missing; run `ao setup` to create a GitHub App, or set AO_GITHUB_TOKEN"


def _url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise ValueError("write a URL such as https://example.org, without a user, query or fragment")
    return value.rstrip("/")


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


Url = Annotated[str, Field(strict=True), BeforeValidator(lambda v: _url(v) if isinstance(v, str) else v)]


class Settings(BaseSettings):
    """Who the bot is and where it listens."""

    model_config = SettingsConfigDict(env_prefix="AO_", env_ignore_empty=True, frozen=True, extra="forbid")

    data_dir: Path
    webhook_secret: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = ()
    github_api_url: Url = "https://api.github.com"
    github_app_id: int | None = Field(None, ge=1)
    github_private_key_file: Path | None = None
    github_token: SecretStr | None = None
    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(3000, ge=1, le=65535)
    public_url: Url | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    records_days: int = Field(30, ge=1, le=3650)

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("webhook_secret")
    @classmethod
    def _long_enough(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for position, secret in enumerate(secrets, 1):
            if (length := len(secret.get_secret_value())) < SECRET_LENGTH:
                which = f"number {position} of the comma separated secrets" if len(secrets) > 1 else "it"
                raise ValueError(f"{which} has {length} characters and needs at least {SECRET_LENGTH}")
        return secrets

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `read_settings` collected, so that the process's environment is read in one place."""
        return (init_settings,)


class _Environment(EnvSettingsSource):
    """The environment that was passed in, instead of the process's."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environ.items() if value}


def read_settings(
    environ: Mapping[str, str], cwd: Path, place: Path, file: "ConfigFile"
) -> tuple[Settings | None, list[str]]:
    """Return the effective settings, or None and what is wrong with them."""
    problems = _unknown(environ)
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    try:
        layers = _layers(environ, cwd, place, file)
    except UserError as error:
        return None, [*problems, str(error)]
    for name, layer in layers:
        values |= layer
        origin |= dict.fromkeys(layer, name)
    values["data_dir"] = place
    if key := values.get("github_private_key_file"):
        values["github_private_key_file"] = absolute(str(key), environ, cwd)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        return None, problems + lines_of(error, Settings, _locate(origin))
    return settings, problems


def _layers(environ: Mapping[str, str], cwd: Path, place: Path, file: "ConfigFile") -> list[tuple[str, dict[str, Any]]]:
    """Return the sources from the weakest to the strongest."""
    outer = _Environment(environ)()
    secrets = _secret_files(environ, cwd)
    named = outer | secrets
    return [
        ("the stored App", _stored_app(place, named)),
        (str(file.path), dict(file.settings)),
        ("secret files", secrets),
        ("environment", outer),
    ]


def _secret_files(environ: Mapping[str, str], cwd: Path) -> dict[str, Any]:
    if not (named := environ.get("AO_SECRETS_DIR")):
        return {}
    directory = absolute(named, environ, cwd)
    if not directory.is_dir():
        raise UserError(line("environment", "AO_SECRETS_DIR", f"{directory} is not a directory; create it or unset it"))
    found = SecretsSettingsSource(Settings, secrets_dir=directory)()
    return {name: value for name, value in found.items() if value}


def _stored_app(place: Path, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `ao setup` stored, as far as nothing stronger says who the bot is."""
    if not (place / "github-app").is_dir():
        return {}
    from bot.github.manifest import AppCredentials

    stored = AppCredentials.load(place / "github-app")
    if stored is None:
        return {}
    found: dict[str, Any] = {"webhook_secret": stored.webhook_secret}
    if not named.keys() & {"github_app_id", "github_token", "github_private_key_file"}:
        found |= {"github_app_id": stored.id, "github_private_key_file": str(stored.key_file)}
    return found


def _unknown(environ: Mapping[str, str]) -> list[str]:
    known = {f"AO_{name.upper()}" for name in Settings.model_fields} | _ELSEWHERE
    problems = []
    for name in sorted(environ):
        if name in _LATER:
            problems.append(line("environment", name, _LATER[name]))
        elif name.startswith("AO_") and name not in known and not _FOR_AGENTS.fullmatch(name):
            problems.append(line("environment", name, f"unknown setting; {nearest(name, known)}"))
    return problems


def lacking(settings: Settings) -> list[str]:
    """Return what must be set together or at all: without a secret and an identity there is no start."""
    problems = [] if settings.webhook_secret else [line("environment", "AO_WEBHOOK_SECRET", _NO_SECRET)]
    app, key, token = settings.github_app_id, settings.github_private_key_file, settings.github_token
    if token and (app or key):
        problems.append(line("environment", "AO_GITHUB_TOKEN", "AO_GITHUB_APP_ID is set too; unset one of them"))
    elif app and not key:
        problems.append(line("environment", "AO_GITHUB_PRIVATE_KEY_FILE", "missing; set it to the App's private key"))
    elif key and not app:
        problems.append(line("environment", "AO_GITHUB_APP_ID", "missing; its number is on the App's settings page"))
    elif not token and not app:
        problems.append(line("environment", "AO_GITHUB_APP_ID or AO_GITHUB_TOKEN", _NO_IDENTITY))
    return problems + (_unreadable(key) if key else [])


def _unreadable(key: Path) -> list[str]:
    try:
        if "PRIVATE KEY-----" in key.read_text():
            return []
        text = f"{key} holds no PEM private key; download it again"
    except (OSError, UnicodeDecodeError) as error:
        text = f"{key} cannot be read ({getattr(error, 'strerror', None) or 'not text'}); correct the path"
    return [line("environment", "AO_GITHUB_PRIVATE_KEY_FILE", text)]


def _locate(origin: Mapping[str, str]) -> Locate:
    """Name a setting as the person knows it: the variable, or the key in the file it came from."""

    def located(key: str) -> tuple[str, str]:
        field = key.split(".", 1)[0]
        place = origin.get(field, "environment")
        return place, field if place.endswith((".yaml", ".yml")) else f"AO_{field.upper()}"

    return located
