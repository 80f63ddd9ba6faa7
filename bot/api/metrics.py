"""The service's figures in Prometheus' text format; the library is loaded by the first request."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bot.api.port import Figure

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Collector:
    """Hands the figures of this moment to the library."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._figures = figures

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for figure in self._figures:
            family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
            found = families.setdefault(figure.name, family(figure.name, figure.help, labels=sorted(figure.labels)))
            found.add_metric([figure.labels[key] for key in sorted(figure.labels)], figure.value)
        yield from families.values()


def exposition(figures: Iterable[Figure]) -> bytes:
    """Return the text that Prometheus reads."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(figures))
    return generate_latest(registry)
