"""What the service measures about itself."""

from collections.abc import Iterable

from bot.api.port import Figure, ServiceStatus
from bot.parts import Parts
from runtime.store import deliveries


def figures(parts: Parts, status: ServiceStatus) -> Iterable[Figure]:
    """Return the figures of this moment."""
    many, oldest = deliveries.backlog(parts.store)
    yield Figure(name="ao_sessions_live", help="Live sessions.", value=status.live_sessions)
    yield Figure(name="ao_deliveries_open", help="Deliveries queued or running.", value=many)
    yield Figure(name="ao_deliveries_oldest_seconds", help="Age of the oldest open delivery.", value=oldest)
    for state, count in deliveries.count_by_state(parts.store).items():
        yield Figure(name="ao_deliveries", help="Deliveries by state.", value=count, labels={"state": state})
    for (event, code), count in parts.receiver.answers.items():
        labels = {"event": event, "code": str(code)}
        yield Figure(name="ao_answers", help="Answers to GitHub.", value=count, kind="counter", labels=labels)
    for (handler, result), count in parts.worker.ended.items():
        labels = {"handler": handler, "result": result}
        yield Figure(name="ao_handler_runs", help="Runs of handlers.", value=count, kind="counter", labels=labels)
    for handler, spent in parts.worker.seconds.items():
        labels = {"handler": handler}
        yield Figure(name="ao_handler_seconds", help="Time in handlers.", value=spent, kind="counter", labels=labels)
    yield from _github(parts)


def _github(parts: Parts) -> Iterable[Figure]:
    meter = parts.hub.meter
    for (method, result), count in meter.by.items():
        labels = {"method": method, "result": result}
        yield Figure(name="ao_github_requests", help="Requests to GitHub.", value=count, kind="counter", labels=labels)
    if meter.remaining is not None:
        yield Figure(name="ao_github_remaining", help="What is left of the hour's quota.", value=meter.remaining)
