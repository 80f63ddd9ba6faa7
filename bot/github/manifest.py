"""The GitHub App that `ao setup` makes: its manifest, its keys on disk, its labels."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import yaml

from bot.github.credentials import TokenAuth
from bot.github.gate import Gate
from bot.github.policy import Policy, Terms
from runtime.errors import ConfigError, ForgeRefused, GoneFromForge, UserError

FILE = "app.json"
KEY_FILE = "private-key.pem"
LABEL_COLOUR = "5319e7"


class AppCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """What GitHub hands over once, when the App is made."""

    id: int
    slug: str
    client_id: str
    client_secret: str
    webhook_secret: str
    html_url: str
    key_file: Path

    def __repr__(self) -> str:
        return f"AppCredentials(id={self.id}, slug={self.slug!r})"

    @classmethod
    def load(cls, directory: Path) -> "AppCredentials | None":
        """Read what was stored; None when nothing was, `ConfigError` when it cannot be read."""
        file = directory / FILE
        try:
            return msgspec.convert(json.loads(file.read_text()) | {"key_file": directory / KEY_FILE}, cls)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, msgspec.ValidationError) as exc:
            raise ConfigError(f"{file} cannot be read ({exc}): run `ao setup` again, or restore it") from exc


def build_manifest(
    app_yaml: Path, *, webhook_url: str, redirect_url: str, homepage: str, name: str | None = None
) -> dict[str, Any]:
    """Return the manifest for GitHub's form: what `app.yaml` says, with this service's addresses filled in."""
    manifest: dict[str, Any] = yaml.safe_load(app_yaml.read_text())
    manifest |= {"hook_attributes": {"url": webhook_url, "active": True}, "redirect_url": redirect_url}
    manifest.setdefault("url", homepage)
    return manifest | ({"name": name} if name else {})


def form_address(web: str, *, state: str, organization: str | None = None) -> str:
    """Return where the browser posts the form field `manifest`."""
    owner = f"organizations/{quote(organization, safe='')}/" if organization else ""
    return f"{web}/{owner}settings/apps/new?state={quote(state, safe='')}"


def anonymous(gate: Gate) -> Terms:
    """Return the terms of a client that has no credentials yet."""
    return Terms(credentials=TokenAuth(None), gate=gate)


async def convert(client: Policy, code: str, directory: Path) -> AppCredentials:
    """Exchange the code of GitHub's redirect, once and within the hour, for credentials; they are on disk on return."""
    try:
        made = await client.post(f"/app-manifests/{quote(code, safe='')}/conversions", data=b"")
    except (GoneFromForge, ForgeRefused) as exc:
        raise UserError("GitHub does not know this code any more: run `ao setup` again") from exc
    return store(made, directory)


def store(made: Mapping[str, Any], directory: Path) -> AppCredentials:
    """Keep the credentials, readable by their owner only; `app.json` appears last, complete or not at all."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    kept = {name: made[name] for name in ("id", "slug", "client_id", "client_secret", "webhook_secret", "html_url")}
    _write(directory / KEY_FILE, made["pem"])
    _write(directory / FILE, json.dumps(kept, indent=2) + "\n")
    return AppCredentials(**kept, key_file=directory / KEY_FILE)


def _write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


async def create_labels(client: Policy, repo: str, labels: Mapping[str, str]) -> list[str]:
    """Create the labels that a repository lacks, name to description; return those that were new."""
    new = []
    for name, description in labels.items():
        try:
            await client.post(
                f"/repos/{quote(repo)}/labels",
                data={"name": name, "color": LABEL_COLOUR, "description": description[:100]},
            )
        except ForgeRefused as exc:
            if exc.status != 422:
                raise
        else:
            new.append(name)
    return new
