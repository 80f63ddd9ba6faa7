"""Who acts on the local GitHub: users, apps, installations, tokens and the hooks that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.demo.github.records import Repository

Json = dict[str, Any]


@dataclass(eq=False)
class User:
    """A person, an organization or the bot account of an app, told apart by `type`."""

    id: int
    login: str
    created_at: datetime
    type: str = "User"


@dataclass(eq=False)
class Delivery:
    """One attempt to deliver a webhook; a redelivery is another one with the same GUID."""

    id: int
    guid: str
    event: str
    action: str | None
    hook: Hook
    body: bytes
    payload: Json
    created_at: datetime
    installation_id: int | None = None
    repository_id: int | None = None
    redelivery: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    delivered_at: datetime | None = None
    duration: float = 0.0
    status: str = "pending"
    status_code: int = 0
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""


@dataclass(eq=False)
class Hook:
    """Where webhooks go; `target_type` is `integration` for an app's and `repository` for a repository's."""

    id: int
    target_type: str
    target_id: int
    url: str
    secret: str
    events: list[str]
    created_at: datetime
    active: bool = True
    content_type: str = "json"
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(eq=False)
class App:
    """A GitHub App; only its public key is kept, the private one is handed out once at creation."""

    id: int
    slug: str
    name: str
    owner: User
    bot: User
    client_id: str
    client_secret: str
    public_key: bytes
    permissions: dict[str, str]
    events: list[str]
    hook: Hook
    created_at: datetime
    external_url: str
    description: str | None = None
    setup_url: str = ""


@dataclass(eq=False)
class Installation:
    """An app on an account's repositories; with selection `all` later repositories join by themselves."""

    id: int
    app: App
    account: User
    selection: str
    repositories: list[Repository]
    created_at: datetime


@dataclass(frozen=True, eq=False)
class Token:
    """What a secret string stands for; `installation` is None for a person's own token."""

    user: User
    installation: Installation | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    repositories: list[Repository] = field(default_factory=list)
    expires_at: datetime | None = None
