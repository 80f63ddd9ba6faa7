"""Tables with a note below each row, fitted to the width of the terminal; drawn by hand, because rich takes longer."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import typer

from bot.cli.text import COLOURS, coloured

NARROWEST, ROOMY, WIDEST = 60, 80, 200
_LEAST = 6
_INDENT = "  "

Paint = Callable[..., str]
"""Puts colours around text, or nothing."""


@dataclass(frozen=True)
class Column:
    """A column; one that gives way is shortened when the terminal is narrow."""

    title: str
    gives_way: bool = False
    at_most: int | None = None


def width() -> int:
    """Return the width to draw for."""
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))


def narrow() -> bool:
    """Tell whether there is too little room for long cells, which belong below their row then."""
    return width() < ROOMY


def draw(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], notes: Iterable[str] = (), wide: Sequence[int] = ()
) -> str:
    """Return the table as text, each row followed by the lines of its note; `wide` are `fitted` widths."""
    paint: Paint = typer.style if coloured() else lambda text, **_: text
    widths = wide or fitted(columns, rows)
    drawn = [paint(_line([column.title for column in columns], widths), bold=True)]
    for row, note in zip(rows, [*notes, *[""] * len(rows)], strict=False):
        drawn.append(_line(row, widths, paint))
        drawn += [_INDENT + paint(line, dim=True) for one in note.split("\n") if one for line in _below(one)]
    return "\n".join(drawn)


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """Give each column what it needs; those that give way share what is missing."""
    needed = [max([len(column.title), *[cells(row[at]) for row in rows]]) for at, column in enumerate(columns)]
    needed = [min(wide, column.at_most or wide) for wide, column in zip(needed, columns, strict=True)]
    missing = sum(needed) + _gap() * (len(columns) - 1) - width()
    yielding = [at for at, column in enumerate(columns) if column.gives_way]
    for at in yielding if missing > 0 else ():
        needed[at] = max(_LEAST, needed[at] - -(-missing // len(yielding)))
    return needed


def cells(text: str) -> int:
    """Return how many cells of the terminal a text takes up."""
    if text.isascii() or text in COLOURS:
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def clipped(text: str, room: int) -> str:
    """Return a text that takes up at most so many cells of the terminal, with an ellipsis where it was cut."""
    if cells(text) <= room:
        return text
    if text.isascii():
        return f"{text[: room - 1]}…"
    from rich.cells import set_cell_size

    return f"{set_cell_size(text, room - 1).rstrip()}…"


def wrapped(text: str, room: int) -> list[str]:
    """Return a text as lines that take up at most so many cells, broken between words where there are some."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if cells(longer) <= room:
            lines[-1] = longer
        elif cells(word) <= room:
            lines.append(word)
        else:
            lines[-1:] = _chopped(longer, room)
    return lines


def _chopped(text: str, room: int) -> list[str]:
    from rich.cells import chop_cells

    return chop_cells(text, room)


def _below(note: str) -> list[str]:
    """Return a line of a note, wrapped where a roomy terminal would show it on one."""
    room = width() - len(_INDENT)
    return wrapped(clipped(note, max(room, ROOMY - len(_INDENT))), room)


def _gap() -> int:
    return 1 if narrow() else 2


def _line(row: Sequence[str], widths: Sequence[int], paint: Paint | None = None) -> str:
    """Return the cells of a row below those of the others; the last one needs no space after it."""
    line, gap = "", _gap()
    for text, wide in zip(row, widths, strict=True):
        shown = clipped(text, wide)
        colour = COLOURS.get(shown) if paint else None
        painted = partial(paint, fg=colour) if paint and colour else str
        line += painted(shown) + " " * (wide - cells(shown) + gap)
    return line.rstrip()
