"""Commands that start fast: typer loads pydantic, which takes longer than the rest, even for plain text."""

import difflib
from typing import Any

import typer
from typer._click.exceptions import UsageError  # no public name, though commands raise it
from typer._coercion import RuntimeParam  # the seam itself is private; a test watches that pydantic stays out
from typer.core import TyperArgument, TyperCommand, TyperGroup

from runtime.errors import WrongUse

_AS_THEY_ARE = (str, list[str], bool)
_WHOLE = 1000
"""Longer than any line about a command: tables wrap lines instead of cutting them off."""


class _AsItIs(RuntimeParam):
    """Takes a value as it was parsed."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        return value


class _Number(RuntimeParam):
    """Takes a number between the option's bounds."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        kind, low, high = self.annotation, self.parameter_info.min, self.parameter_info.max
        try:
            number = kind(value)
            inside = (low is None or low <= number) and (high is None or number <= high) and number == number
        except ValueError:
            inside = False
        if not inside:
            needed = " ".join(filter(None, ("takes a number", _bounds(low, high))))
            name = param.metavar if isinstance(param, TyperArgument) else max(param.opts, key=len)
            ctx.fail(f"{name} {needed}, not {value!r}.")
        return number


def _bounds(low: float | None, high: float | None) -> str:
    """Return in words between what a number has to be; empty when any number will do."""
    if high is not None:
        return f"from {low} to {high}"
    return "" if low is None else f"of at least {low}"


def _lighten(param: Any) -> None:
    known = param.type_descriptor
    kind = _AsItIs if known.annotation in _AS_THEY_ARE else _Number if known.annotation in (int, float) else None
    if kind:
        param._runtime_param = kind(known.parameter_info, known.annotation)
    if kind is _Number:
        bounds = _bounds(known.parameter_info.min, known.parameter_info.max)
        param._get_number_range_help_str = lambda: bounds.removeprefix("of ")


class Light(TyperCommand):
    """A command whose texts and flags are not run through pydantic, and whose help knows no types of Python."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        for param in self.params:
            _lighten(param)
            param.metavar = param.metavar or param.name.upper()

    def get_help_option(self, ctx: Any) -> Any:
        """Return `--help`, as light as the others."""
        return _light_help(super().get_help_option(ctx))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the error for wrong use knows which command it was."""
        try:
            return super().invoke(ctx)
        except WrongUse as error:
            raise UsageError(str(error), ctx) from error

    def get_short_help_str(self, limit: int = _WHOLE) -> str:
        """Return the line about this command, for a table that wraps it."""
        return super().get_short_help_str(_WHOLE)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name in the line of its usage."""
        return ["[OPTIONS]", *(_usage(param) for param in self.params if isinstance(param, TyperArgument))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what the arguments and options mean."""
        known = [(param, record) for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
        arguments = [(_word(param), said) for param, (_, said) in known if isinstance(param, TyperArgument)]
        options = [record for param, record in known if not isinstance(param, TyperArgument)]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _usage(argument: TyperArgument) -> str:
    word = _word(argument)
    if argument.required:
        return word
    return f"[{word.removesuffix('...')}]..." if word.endswith("...") else f"[{word}]"


def _word(argument: TyperArgument) -> str:
    return f"{argument.metavar}..." if argument.nargs != 1 else str(argument.metavar)


class LightGroup(TyperGroup):
    """A group of commands, as light as they are."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or say which one is spelled like it."""
        if self.get_command(ctx, args[0]) is None:
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            ctx.fail(f"There is no command '{args[0]}'." + (f" Did you mean '{close[0]}'?" if close else ""))
        return super().resolve_command(ctx, args)

    def get_help_option(self, ctx: Any) -> Any:
        """Return `--help`, as light as the others."""
        return _light_help(super().get_help_option(ctx))


def _light_help(option: Any) -> Any:
    if option is not None:
        _lighten(option)
    return option


def group(text: str, cls: type[TyperGroup] = LightGroup) -> typer.Typer:
    """Return an empty group of commands: plain help, no completion to install, no decorated tracebacks."""
    return typer.Typer(
        cls=cls,
        no_args_is_help=True,
        help=text,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
