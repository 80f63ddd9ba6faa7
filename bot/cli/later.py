"""Commands that the contract names and this version does not have: refused, never accepted and ignored."""

from typing import Any

import typer
from typer.core import TyperCommand

from bot.cli.light import LightGroup
from bot.cli.text import complain

_LOOK = "Look with: ao status, ao deliveries show GUID"

TOP = {
    "simulate": _LOOK,
    "notify": "See what waits for you with: ao status",
    "review-check": "See what waits for you with: ao status",
}


class WithLater(LightGroup):
    """The commands of `ao`, and the refusals of those to come."""

    later = TOP

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command that refuses when the name is one of a later version's."""
        found = super().get_command(ctx, cmd_name)
        return found or (_refusal(cmd_name, self.later[cmd_name]) if cmd_name in self.later else None)


def _refusal(name: str, instead: str) -> TyperCommand:
    def refuse() -> None:
        complain(f"`{name}` is not available yet. {instead}")
        raise typer.Exit(2)

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return TyperCommand(name, callback=refuse, context_settings=settings, add_help_option=False, hidden=True)
