"""The App asks for the events that are handled, no more and no less."""

from pathlib import Path

import yaml

from bot.demo.stage import EVENTS, PERMISSIONS
from handlers.stories import Stories

MANIFEST = yaml.safe_load((Path(__file__).parents[1] / "app.yaml").read_text())
UNASKED = ("installation", "installation_repositories", "ping", "meta")
"""GitHub sends these to every App and refuses manifests that list them."""


def test_events_of_the_manifest_are_those_with_a_story():
    handled = {event for event in Stories().events() if event not in UNASKED}
    assert sorted(MANIFEST["default_events"]) == sorted(handled)
    assert not set(MANIFEST["default_events"]) & set(UNASKED)


def test_demo_asks_for_the_same():
    assert sorted(EVENTS) == sorted(MANIFEST["default_events"])
    assert MANIFEST["default_permissions"] == PERMISSIONS
