"""The commands of `ao`: each is imported when it is typed, so that help and listings start fast."""

import importlib
import inspect
import os
import re
import sys
from typing import Annotated, Any

import typer
from typer._click.exceptions import (
    NoArgsIsHelpError,
    NoSuchOption,
    UsageError,
)  # no public name, though commands raise them

from bot.cli import output
from bot.cli.later import WithLater
from bot.cli.light import Light, group
from bot.cli.text import complain
from runtime.errors import AoError, UserError, WrongUse

COMMANDS = {
    "demo": ("local:demo", "Plays the whole story, from a label to a merged pull request."),
    "setup": ("local:setup", "Creates the bot's GitHub App and waits for a test delivery."),
    "serve": ("local:serve", "Runs the service that everything else talks to."),
    "doctor": ("local:doctor", "Checks what the service needs, with a fix for each problem."),
    "config": ("local:config_app", "Checks, describes and shows the configuration."),
    "status": ("status:status", "Shows what each session is doing."),
    "session": ("sessions:app", "Lists, names, attaches to, ends and restores sessions."),
    "spawn": ("spawn:spawn", "Starts a session on an issue, text, branch or pull request."),
    "batch-spawn": ("spawn:batch_spawn", "Starts a session for each of several issues."),
    "open": ("open:open_sessions", "Opens sessions' terminals in tabs."),
    "send": ("messages:send", "Sends a message to a session's agent."),
    "interrupt": ("messages:interrupt", "Stops what a session's agent is doing."),
    "approve": ("messages:approve", "Answers what a session's agent asks with yes."),
    "deny": ("messages:deny", "Answers what a session's agent asks with no."),
    "explain": ("explain:explain", "Says why a session is what it is, or what a delivery led to."),
    "events": ("events:app", "Lists, searches and follows the audit trail."),
    "orchestrator": ("orchestrator:app", "Starts and shows a project's coordinating agent."),
    "report": ("words:report", "Reports what a session's agent is doing; called by agents."),
    "acknowledge": ("words:acknowledge", "Confirms that an agent has its task; called by agents."),
    "deliveries": ("deliveries:app", "Shows and replays what GitHub sent."),
    "completion": ("completion:completion", "Prints what bash, zsh or fish need to complete words."),
}
"""Where each command is, and its line in `ao --help`."""

NO_TEXT = "'{shown}' is not text in UTF-8. Convert it first, for example with: iconv -t utf-8"

_EXTRA = re.compile(r"^Got unexpected extra argument\(s\) \((.*)\)$", re.DOTALL)
_COMMAND = re.compile(r"(?<![\w-])ao [a-z]")


class _Commands(WithLater):
    """The commands of the table."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command, or refuse one of a later version."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        where, help_line = COMMANDS[cmd_name]
        module, name = where.split(":")
        found = getattr(importlib.import_module(f"bot.cli.{module}"), name)
        if not isinstance(found, typer.Typer):
            alone = group(help_line)
            alone.command(cmd_name, cls=Light, help=_in_full(help_line, found))(found)
            found = alone
        return typer.main.get_command(found)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table, without importing what it names."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


def _in_full(help_line: str, command: Any) -> str:
    """Return the line of the table with what the command's own text has below its first."""
    return "\n\n".join([help_line, *(inspect.getdoc(command) or "").split("\n\n")[1:]])


app = group("Label a GitHub issue, and a coding agent takes it to a merged pull request.", _Commands)


@app.callback(epilog="Start with: ao demo. For your own repository: ao setup, then ao serve.")
def _ao(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
) -> None:
    """Make this a group."""


def _version() -> int:
    from importlib.metadata import version

    typer.echo(f"ao {version('agent-orchestrator')}")
    return 0


def run() -> int:
    """Run the command line; whatever goes wrong is one line, never a traceback."""
    output.ensure()
    try:
        return _answer(sys.argv[1:])
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except UsageError as error:
        complain(_usage(error))
        return error.exit_code
    except AoError as error:
        complain(str(error))
        return 2 if isinstance(error, UserError) else 1
    except OSError as error:
        if not output.is_stuck(error):
            raise
        if told := output.why(error):
            complain(told)
        return 1


def _answer(typed: list[str]) -> int:
    for word in typed:
        _check_text(word)
    if typed == ["--version"]:
        return _version()
    if typed[:1] == ["__complete"]:
        from bot.cli.completion import complete

        return complete(typed[1:])
    return app(prog_name="ao", standalone_mode=False) or 0


def _check_text(word: str) -> None:
    """Refuse bytes that are no text: Python passes them on as surrogates, which nothing else takes."""
    try:
        word.encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(word).decode(errors="backslashreplace")
        raise WrongUse(NO_TEXT.format(shown=shown)) from error


def _said(error: UsageError) -> str:
    if isinstance(error, NoSuchOption) and error.possibilities:
        return f"{error.message}. Did you mean {error.possibilities[0]}?"
    return _EXTRA.sub(r"Leave out what is too much: \1", error.format_message())


def _usage(error: UsageError) -> str:
    """Return what is wrong with what was typed, and the command to type next."""
    said = _said(error)
    if _COMMAND.search(said):
        return said
    end = "" if said.endswith((".", "?")) else "."
    return f"{said}{end} See: {error.ctx.command_path if error.ctx else 'ao'} --help"
