"""Figures of an idle service; the rest is in test_service.py, where there is something to measure."""

from types import SimpleNamespace

from bot.figures import figures
from bot.github.meter import Meter


async def test_idle_service_has_figures_too(bot):
    parts = SimpleNamespace(
        store=bot.store, hub=SimpleNamespace(meter=Meter()), receiver=SimpleNamespace(answers={}),
        worker=SimpleNamespace(ended={}, seconds={}),
    )  # fmt: skip
    found = {one.name: (one.kind, one.value) for one in figures(parts, SimpleNamespace(live_sessions=0))}
    assert found == {
        "ao_sessions_live": ("gauge", 0),
        "ao_deliveries_open": ("gauge", 0),
        "ao_deliveries_oldest_seconds": ("gauge", 0.0),
    }
