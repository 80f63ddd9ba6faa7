"""Repositories and who may do what in them; there are no webhooks for this here."""

from __future__ import annotations

from bot.demo.github import git
from bot.demo.github.callers import ROLES
from bot.demo.github.changes import apps
from bot.demo.github.people import User
from bot.demo.github.records import Repository
from bot.demo.github.refusals import invalid
from bot.demo.github.world import World


def create(
    world: World,
    owner: User,
    name: str,
    files: dict[str, str],
    *,
    private: bool = False,
    description: str | None = None,
    parent: Repository | None = None,
) -> Repository:
    """Make a repository: empty, with one commit of these files, or a fork of `parent`; blocks for some milliseconds."""
    full_name, now = f"{owner.login}/{name}", world.now()
    if full_name.lower() in world.repositories:
        raise invalid("Repository", "name", message="name already exists on this account")
    path = world.root / owner.login / f"{name}.git"
    path.parent.mkdir(parents=True, exist_ok=True)
    if parent is not None:
        git.fork(parent.path, path)
    else:
        git.create(path, files, branch="main", author=owner.login, email=f"{owner.login}@users.noreply.github.com")
    repo = Repository(world.id(), owner, name, path, now, now, private, description, parent=parent)
    world.repositories[full_name.lower()] = repo
    for installation in world.installations.values():
        if installation.selection == "all" and installation.account is owner:
            apps.add_repositories(world, installation, [repo])
    return repo


def set_role(repo: Repository, user: User, role: str) -> None:
    """Give a user a role in a repository."""
    if role not in ROLES:
        raise invalid("Repository", "role", message=f"unknown role {role!r}: use one of {', '.join(ROLES)}")
    repo.roles[user.login.lower()] = role
