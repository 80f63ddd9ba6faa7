"""Commands that need no running service: serve, demo, setup, doctor, config."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.light import Light, group
from bot.cli.text import complain, say
from bot.config import environment, load
from runtime.errors import WrongUse

SCHEMAS = "sessions, session, deliveries, delivery, events, event, counts, explanation, findings"
"""The names in `bot.api.schemas`, which takes long to load."""

config_app = group("Checks, describes and shows the configuration.")


def serve() -> None:
    """Runs the service: receives from GitHub, runs sessions, answers the other commands."""
    config = load(environment(), Path.cwd())
    for line in (line for lines in config.broken.values() for line in lines):
        complain(f"left out: {line}")
    if config.without_project:
        complain(f"No project is configured, so that no session can start: {config.without_project}.")
    from bot.app import serve as run

    raise typer.Exit(run(config))


def demo(
    agent: Annotated[str, typer.Option(metavar="NAME", help="Which agent plays the story.")] = "scripted",
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards.")] = False,
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="How fast it is played.")] = 1.0,
) -> None:
    """Plays the whole story, from a label to a merged pull request, without an account."""
    from bot.demo.story import main
    from runtime.agents import named

    named(agent).installed(environment().get("PATH", ""))
    raise typer.Exit(main(agent=agent, keep=keep, speed=speed))


def setup(
    public_url: Annotated[str | None, typer.Option(metavar="URL", help="Where GitHub reaches the service.")] = None,
    org: Annotated[str | None, typer.Option(help="Create the App in this organization.")] = None,
    name: Annotated[str | None, typer.Option(help="The App's name, unique on GitHub.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the addresses.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the local page; 0 takes a free one.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Replace the App that is set up already.")] = False,
) -> None:
    """Creates the bot's GitHub App, stores its keys and waits for a test delivery."""
    from bot.setup import Wishes, run

    wishes = Wishes(public_url=public_url, org=org, name=name, browser=not no_browser, port=port, again=again)
    raise typer.Exit(run(wishes, environment(), Path.cwd()))


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired here.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """Checks what the service needs, with a fix for each thing that is wrong."""
    from bot.doctor import examine, failed, report

    findings = examine(environment(), Path.cwd(), fix=fix)
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False))
    else:
        for line in report(findings):
            say(line)
    raise typer.Exit(1 if failed(findings) else 0)


@config_app.command(cls=Light)
def check() -> None:
    """Checks the configuration as the service would."""
    config = load(environment(), Path.cwd())
    for line in (line for lines in config.broken.values() for line in lines):
        complain(line)
    if config.broken:
        raise typer.Exit(2)
    projects = ", ".join(config.projects) or f"none; {config.without_project}"
    say(f"✓ {config.file or 'No configuration file, only the environment'}. Projects: {projects}")


@config_app.command(cls=Light)
def schema(
    of: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Instead that of what --json prints: {SCHEMAS}.")
    ] = None,
) -> None:
    """Prints the JSON Schema of agent-orchestrator.yaml, for editors, or that of a command's JSON, for scripts."""
    typer.echo(json.dumps(_schema(of), indent=2))


def _schema(of: str | None) -> dict[str, object]:
    if of is None:
        from bot.config_schema import schema as describe

        return describe()
    from bot.api.schemas import PRINTED
    from bot.api.schemas import schema as describe_printed

    if of not in PRINTED:
        raise WrongUse(f"There is no schema '{of}'; there are: {', '.join(PRINTED)}.")
    return describe_printed(of)


@config_app.command(cls=Light)
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Prints the effective configuration, secrets masked."""
    from bot.config_show import effective, written

    values = effective(load(environment(), Path.cwd()))
    typer.echo(json.dumps(values, indent=2, ensure_ascii=False) if as_json else written(values))
