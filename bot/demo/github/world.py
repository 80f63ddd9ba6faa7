"""The state of the local GitHub and the services that changes need: numbers, time, webhooks, continuous integration."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo.github.background import Background
from bot.demo.github.faults import Faults
from bot.demo.github.outgoing import Outgoing
from bot.demo.github.people import App, Hook, Installation, Json, Token, User
from bot.demo.github.records import CheckRun, Issue, Repository
from bot.demo.github.refusals import not_found

RATE_LIMIT = 5000


@dataclass
class Seen:
    """One request that arrived, for the counters of the control plane."""

    method: str
    path: str
    actor: str
    status: int
    at: datetime
    seconds: float
    agent: str
    fault: str = ""


@dataclass
class Rate:
    """One caller's hour."""

    resets_at: datetime
    used: int = 0


@dataclass(eq=False)
class World:
    """Everything there is; only `changes` modifies it, so that each modification sends its webhooks."""

    root: Path
    clock: Callable[[], datetime]
    url: str = ""
    token_life: timedelta = timedelta(hours=1)
    users: dict[str, User] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    manifests: dict[str, tuple[User, Json, datetime]] = field(default_factory=dict)
    rates: dict[str, Rate] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    tickets: dict[str, tuple[CheckRun, datetime]] = field(default_factory=dict)
    background: Background = field(default_factory=Background)
    locks: dict[int, asyncio.Lock] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def __post_init__(self) -> None:
        self.outgoing = Outgoing(self.faults, self.clock, self.background)

    def lock(self, repository: Repository) -> asyncio.Lock:
        """What everything that moves the repository's branches holds meanwhile."""
        return self.locks.setdefault(repository.id, asyncio.Lock())

    def id(self) -> int:
        """The next number; all kinds of things share one sequence, so no two are ever mixed up."""
        return next(self.numbers)

    def now(self) -> datetime:
        """The time, in whole seconds as GitHub gives it."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def user(self, login: str) -> User:
        """The account of that login, 404 without."""
        user = self.users.get(login.lower())
        if user is None:
            raise not_found()
        return user

    def repository(self, full_name: str) -> Repository:
        """The repository of that full name, 404 without."""
        repository = self.repositories.get(full_name.lower())
        if repository is None:
            raise not_found()
        return repository

    def app_by_issuer(self, issuer: str) -> App | None:
        """The app whose client id or number signs as `issuer`."""
        return next((app for app in self.apps.values() if issuer in (app.client_id, str(app.id))), None)

    def app_of(self, user: User) -> App | None:
        """The app whose bot account this is."""
        return next((app for app in self.apps.values() if app.bot is user), None)

    def installations_on(self, repository: Repository) -> list[Installation]:
        """Who is installed on a repository, oldest first."""
        return [one for one in self.installations.values() if repository in one.repositories]

    def hook(self, number: int) -> Hook:
        """The hook of that number, 404 without."""
        everywhere = [app.hook for app in self.apps.values()]
        everywhere += [hook for repository in self.repositories.values() for hook in repository.hooks]
        for hook in everywhere:
            if hook.id == number:
                return hook
        raise not_found()

    def rate(self, caller: str) -> Rate:
        """The caller's current hour, begun anew when the last is over."""
        rate = self.rates.get(caller)
        if rate is None or rate.resets_at <= self.now():
            rate = self.rates[caller] = Rate(self.now() + timedelta(hours=1))
        return rate


def issue_of(repository: Repository, number: int) -> Issue:
    """The issue or pull request of that number, 404 without."""
    issue = repository.issues.get(number)
    if issue is None:
        raise not_found()
    return issue
