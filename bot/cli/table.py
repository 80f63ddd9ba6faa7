"""Tables with a note below each row, fitted to the width of the terminal."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.text import COLOURS, coloured

NARROWEST, ROOMY, WIDEST = 60, 80, 200
_LEAST = 6
_NOTE_INDENT = 2


@dataclass(frozen=True)
class Column:
    """A column; one that gives way is shortened when the terminal is narrow."""

    title: str
    gives_way: bool = False
    at_most: int | None = None


def width() -> int:
    """Return the width to draw for."""
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))


def draw(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], notes: Iterable[str] = (), wide: Sequence[int] = ()
) -> str:
    """Return the table as text, each row followed by the lines of its note; `wide` are `fitted` widths."""
    console = Console(width=width(), no_color=not coloured(), force_terminal=coloured(), highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(_table(columns, rows, wide or fitted(columns, rows)))
    header, *lines = capture.get().splitlines()
    drawn = [header]
    padded = [*notes, *[""] * len(rows)]
    for line, note in zip(lines, padded, strict=False):
        drawn.append(line)
        drawn += [_note(console, one) for one in note.split("\n") if one]
    return "\n".join(line.rstrip() for line in drawn)


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """Give each column what it needs; those that give way share what is missing."""
    needed = [max([len(column.title), *[cell_len(row[at]) for row in rows]]) for at, column in enumerate(columns)]
    needed = [min(wide, column.at_most or wide) for wide, column in zip(needed, columns, strict=True)]
    missing = sum(needed) + _gap() * (len(columns) - 1) - width()
    yielding = [at for at, column in enumerate(columns) if column.gives_way]
    for at in yielding if missing > 0 else ():
        needed[at] = max(_LEAST, needed[at] - -(-missing // len(yielding)))
    return needed


def clipped(text: str, cells: int) -> str:
    """Return a text that takes up at most so many cells of the terminal, with an ellipsis where it was cut."""
    found = Text(text)
    found.truncate(cells, overflow="ellipsis")
    return found.plain


def _gap() -> int:
    return 2 if width() >= ROOMY else 1


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]], wide: Sequence[int]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _gap(), 0, 0), header_style="bold")
    for column, cells in zip(columns, wide, strict=True):
        table.add_column(column.title, no_wrap=True, overflow="ellipsis", width=cells)
    for row in rows:
        table.add_row(*[Text(cell, style=COLOURS.get(cell, "")) for cell in row])
    return table


def _note(console: Console, note: str) -> str:
    text = Text(note, style="dim")
    text.truncate(console.width - _NOTE_INDENT, overflow="ellipsis")
    with console.capture() as capture:
        console.print(text, end="", no_wrap=True)
    return " " * _NOTE_INDENT + capture.get()
