"""What all shapes share: times, node ids and reaction counts."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.demo.github.people import Json
from bot.demo.github.records import Reaction

CONTENTS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def stamp(moment: datetime) -> str:
    """A time as GitHub writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_or_none(moment: datetime | None) -> str | None:
    """A time as GitHub writes it, null stays null."""
    return None if moment is None else stamp(moment)


def node_id(kind: str, number: int) -> str:
    """The opaque id that GraphQL uses; `parse_node_id` reads it back."""
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode()


def parse_node_id(value: str) -> tuple[str, int]:
    """Kind and number of a node id; ValueError for anything else."""
    kind, _, number = base64.urlsafe_b64decode(value.encode()).decode().partition(":")
    return kind, int(number)


def reaction_counts(reactions: Iterable[Reaction], url: str) -> Json:
    """The rollup of reactions that comments and issues carry."""
    given = [reaction.content for reaction in reactions]
    return {"url": url, "total_count": len(given), **{content: given.count(content) for content in CONTENTS}}
