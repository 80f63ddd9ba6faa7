"""Starting sessions on the interface."""

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import msgspec

from bot.api.operation import Nothing, Operation
from bot.api.sessions import SESSION
from bot.bounds import LONGEST_START

if TYPE_CHECKING:
    from bot.api.port import ServicePort


class Spawn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to work on: an issue, a text, a branch or a pull request; an issue and a pull request may come together.

    A request that is repeated with the same `key` within a day starts no second session.
    """

    project: str | None = None
    issue: str | None = None
    prompt: str | None = None
    agent: str | None = None
    model: str | None = None
    branch: str | None = None
    pull: int | None = None
    author: str | None = None
    key: str | None = None


class SpawnMany(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session for each issue; the rest holds for all of them."""

    issues: Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)]
    project: str | None = None
    agent: str | None = None
    model: str | None = None
    author: str | None = None


class Spawned(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A session that was claimed, and how far its start is; `queue_position` is 0 unless it waits for a free slot."""

    id: str
    project_id: str
    issue_id: str | None
    branch: str
    agent: str
    state: Literal["spawned", "queued", "starting"]
    queue_position: int = 0
    claimed_url: str | None = None
    attach_command: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one issue: `why` says it when there is no new session."""

    issue: str
    result: Literal["created", "skipped", "failed"]
    session: str | None = None
    why: str = ""


class SpawnsPort(Protocol):
    """Starts sessions."""

    async def spawn(self, wanted: Spawn) -> Spawned:
        """Check what is wanted and claim a session for it; returns before the session is started."""
        ...

    async def spawn_many(self, wanted: SpawnMany) -> list[Outcome]:
        """Claim a session for each issue that has none."""
        ...

    async def started(self, name: str, *, patience: float) -> Spawned:
        """Return how far a start is once it is over, or `patience` seconds later; raise when it has failed."""
        ...


class Waiting(msgspec.Struct):
    """Which session, and how many seconds to wait for its start."""

    id: str
    patience: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_START)] = 0.0


def _started(service: "ServicePort", which: Waiting, _: None) -> object:
    return service.spawns.started(which.id, patience=which.patience)


OPERATIONS = (
    Operation(
        "POST", "/api/v1/sessions", "spawnSession", "Claims a session for what is to be worked on.",
        lambda s, _, wanted: s.spawns.spawn(wanted), Spawned, Nothing, Spawn,
    ),
    Operation(
        "POST", "/api/v1/sessions/batch", "spawnSessions", "Claims a session for each of several issues.",
        lambda s, _, wanted: s.spawns.spawn_many(wanted), list[Outcome], Nothing, SpawnMany,
    ),
    Operation("GET", f"{SESSION}/start", "awaitSession", "Waits for a session's start.", _started, Spawned, Waiting),
)  # fmt: skip
