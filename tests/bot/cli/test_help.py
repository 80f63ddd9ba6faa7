"""What `--help` says: whole sentences, and words that a person would use."""

import pytest
import typer

from bot.cli.app import COMMANDS, app

ROOT = typer.main.get_command(app)


def pages(command=ROOT, above=None, name="ao"):
    """Yield the name and the help of a command and of all below it, as a terminal of 80 columns shows it."""
    context = typer.Context(command, parent=above, info_name=name, terminal_width=78)
    yield context.command_path, command.get_help(context)
    for one in command.list_commands(context) if isinstance(command, typer.core.TyperGroup) else ():
        yield from pages(command.get_command(context, one), context, one)


PAGES = dict(pages())


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off(name):
    assert max(map(len, PAGES[name].splitlines())) <= 80
    table = PAGES[name].partition("Commands:")[2]
    assert [line for line in table.splitlines() if line.endswith("...")] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_type_of_python_is_shown(name):
    words = PAGES[name].replace("<(ao completion", "").split()
    assert [word for word in words if word.startswith(("<", "{", "[[")) or word.endswith("]]")] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_range_is_shown_as_a_formula(name):
    assert [line for line in PAGES[name].splitlines() if "<=" in line or ">=" in line] == []


def test_each_command_has_a_line_of_its_own():
    table = PAGES["ao"].partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in table.splitlines()] == list(COMMANDS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "ao session",
            "kill      Ends a session; what it has not pushed is kept, its branch and\n            pull request stay.",
        ),
        ("ao send", "Usage: ao send [OPTIONS] SESSION [TEXT]...\n"),
        ("ao send", "  SESSION  The session's name, such as app-3.  [required]\n  TEXT...  What to say.\n"),
        ("ao send", "  --timeout SECONDS  How long"),
        ("ao send", "(600).  [from 0 to 86400]\n"),
        ("ao approve", "[at"),
        ("ao acknowledge", "-s, --session SESSION "),
        ("ao status", "[default: 5.0; from 0.2 to\n                         3600]\n"),
        ("ao send", "  -f, --file FILE "),
        ("ao approve", "Usage: ao approve [OPTIONS] SESSION [N]\n"),
        ("ao batch-spawn", "Usage: ao batch-spawn [OPTIONS] ISSUE...\n"),
        ("ao open", "Usage: ao open [OPTIONS] [SESSION|PROJECT|all]\n"),
        ("ao completion", "Usage: ao completion [OPTIONS] bash|zsh|fish\n"),
        ("ao events ls", "  -t, --type, --kind KIND "),
        ("ao events ls", "  -n, --limit LIMIT "),
        ("ao config schema", "  --of NAME "),
    ],
)
def test_arguments_and_options_are_named_by_plain_words(name, expected):
    assert expected in PAGES[name]
