"""The shared place: see `tests/demo_github/place.py`."""

from tests.demo_github.place import hub, inbox, place

__all__ = ["hub", "inbox", "place"]
