"""What became of a delivery, and why the bot did or did not act."""

from collections.abc import Sequence

import msgspec

from runtime.explain.spans import ago, ahead, span
from runtime.store.deliveries import Detail, Entry
from runtime.store.records import Record

_KINDS_OF_ADDRESSES = {
    "issue": "the issue", "pr": "the pull request", "sha": "the commit", "branch": "the branch",
    "trailer": "the trailer",
}  # fmt: skip


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a delivery leads, as far as its content is still there to tell."""

    repo: str | None = None
    project: str | None = None
    tried: tuple[str, ...] = ()
    """The addresses under which a session was looked for, the most certain first."""
    address: str | None = None
    """The one that led to a session."""
    session: str | None = None


def told(found: Detail, route: Route, now: float, *, before: int = 0) -> list[str]:
    """Return what is known of a delivery, in sentences; `before` are open ones of the same key that go first."""
    entry = found.entry
    arrived = f"{entry.guid} is {event(entry)}, which GitHub sent {ago(entry.received_at, now)}."
    return [
        arrived,
        "Its signature was right: nothing else is ever stored.",
        *_led_to(found, route),
        *_believed(found.records),
        *(_ran(run.handler, run.skip_reason, run.done_at - entry.received_at) for run in found.runs),
        *_stands(entry, now, before),
    ]


def event(entry: Entry) -> str:
    """Return a delivery's event and action as GitHub's documentation names them."""
    return f"{entry.event}.{entry.action}" if entry.action else entry.event


def _led_to(found: Detail, route: Route) -> list[str]:
    if found.body is None:
        return ["Its content was dropped since; what it was about is not known any more."]
    if route.repo is None:
        return ["It names no repository."]
    if route.project is None:
        return [f"It is about {route.repo}, and no project works on that."]
    about = f"It is about {route.repo}, which is project {route.project}"
    if route.session is not None and route.address is not None:
        return [f"{about}, and belongs to {route.session}, found by {_place(route.address)}."]
    tried = ", ".join(map(_place, route.tried))
    return [f"{about}. No session has " + (f"{tried}." if tried else "anything to do with such an event.")]


def _place(address: str) -> str:
    kind, _, rest = address.partition(":")
    return f"{_KINDS_OF_ADDRESSES.get(kind, kind)} {rest}"


def _believed(records: Sequence[Record]) -> list[str]:
    texts = dict.fromkeys(record.summary for record in records if record.kind == "trust")
    return [f"{text}, so these words count." for text in texts]


def _ran(handler: str, skip_reason: str | None, after: float) -> str:
    took = f"after {span(after)}" if after >= 1 else "at once"
    return f"{handler} acted on it {took}." if skip_reason is None else f"{handler} did nothing {took}: {skip_reason}."


def _stands(entry: Entry, now: float, before: int) -> list[str]:
    if entry.state == "ignored":
        return [f"Nobody here handles {event(entry)}, so it was only noted."]
    if entry.state == "dead":
        tries = f"after {entry.attempts + 1} attempts" if entry.attempts else "at the first attempt"
        return [
            f"It was given up {tries}: {entry.error}.",
            f"Once that is mended: ao deliveries replay {entry.guid}",
        ]
    if entry.state == "running":
        return ["It is being handled now."]
    if entry.state == "queued":
        failed = f" The last attempt failed: {entry.error}." if entry.error else ""
        when = f" It is tried again {ahead(entry.not_before, now)}." if entry.not_before > now else ""
        behind = f" behind {before} of {entry.session_key or 'the same key'}" if before else ""
        return [f"It waits in the queue{behind}.{failed}{when}"]
    return []
