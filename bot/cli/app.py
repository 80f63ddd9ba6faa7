"""The commands of `ao`, put together."""

import sys

import typer

from bot.cli import deliveries, local, messages, sessions, status
from bot.cli.client import ServiceFailed
from bot.cli.later import WithLater
from bot.cli.text import complain
from runtime.errors import AoError, UserError

app = typer.Typer(
    cls=WithLater,
    no_args_is_help=True,
    help="Label a GitHub issue, and a coding agent takes it to a merged pull request.",
    epilog="Start with: ao demo. For your own repository: ao setup, then ao serve.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (local.serve, local.demo, local.setup, local.doctor):
    app.command()(command)
app.command("status")(status.status)
app.command("send")(messages.send)
app.add_typer(sessions.app, name="session")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(local.config_app, name="config")


def run() -> int:
    """Run the command line; whatever goes wrong is one line, never a traceback."""
    try:
        app(prog_name="ao")
    except UserError as error:
        complain(str(error))
        return 2
    except ServiceFailed as error:
        complain(str(error))
        return 1
    except AoError as error:
        complain(f"ao failed: {error}")
        return 1
    except BrokenPipeError:
        # the reader has gone; the interpreter must not try to flush to it again
        sys.stdout = None
        return 1
    return 0
