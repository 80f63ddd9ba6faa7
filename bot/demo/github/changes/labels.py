"""Labels of a repository."""

from __future__ import annotations

from bot.demo.github.people import User
from bot.demo.github.records import Label, Repository
from bot.demo.github.refusals import invalid, not_found
from bot.demo.github.shapes import repositories
from bot.demo.github.webhooks import emit
from bot.demo.github.world import World


def find(repo: Repository, name: str) -> Label | None:
    """The label of that name in any case."""
    return next((label for label in repo.labels if label.name.lower() == name.lower()), None)


def get(repo: Repository, name: str) -> Label:
    """The label of that name, 404 without."""
    label = find(repo, name)
    if label is None:
        raise not_found()
    return label


def create(
    world: World, repo: Repository, actor: User, name: str, color: str = "ededed", description: str | None = None
) -> Label:
    """Make a new label; 422 when the name is taken."""
    if find(repo, name):
        raise invalid("Label", "name", "already_exists")
    label = Label(world.id(), name, color.removeprefix("#").lower(), description)
    repo.labels.append(label)
    emit(world, "label", "created", repo, actor, label=repositories.label(world, repo, label))
    return label


def ensure(world: World, repo: Repository, actor: User, name: str) -> Label:
    """The label of that name, made when missing."""
    return find(repo, name) or create(world, repo, actor, name)
