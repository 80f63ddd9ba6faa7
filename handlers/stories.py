"""Every story there is, found by scanning this package; adding a file is all it takes."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from typing import Any

from gidgethub.routing import Router
from gidgethub.sansio import Event

import handlers
from handlers.context import Context, Delivery

Story = Callable[[Delivery, Context], Awaitable[None]]


def routers() -> list[Router]:
    """Import every module of the package and return the routers they define, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(handlers.__path__))
    modules = [importlib.import_module(f"handlers.{name}") for name in names]
    return [module.router for module in modules if isinstance(getattr(module, "router", None), Router)]


class Stories:
    """Looks up the stories of a delivery."""

    def __init__(self, found: list[Router] | None = None) -> None:
        self._router = Router(*(routers() if found is None else found))

    def events(self) -> dict[str, set[str] | None]:
        """Return the registered events; None as actions means every action of it."""
        shallow: dict[str, set[str] | None] = {event: None for event in self._router._shallow_routes}
        for event, details in self._router._deep_routes.items():
            shallow.setdefault(event, {action for by in details.values() for action in by})
        return shallow

    def handles(self, event: str, action: str | None) -> bool:
        """Tell whether any story is registered for this event and action."""
        actions = self.events().get(event, set())
        return actions is None or action in actions

    def of(self, event: str, action: str | None) -> list[tuple[str, Story]]:
        """Return the stories of a delivery by name, in a fixed order."""
        data: dict[str, Any] = {"action": action} if action is not None else {}
        found = self._router.fetch(Event(data, event=event, delivery_id=""))
        named = [(f"{story.__module__.removeprefix('handlers.')}.{story.__qualname__}", story) for story in found]
        return sorted(named, key=lambda pair: pair[0])
