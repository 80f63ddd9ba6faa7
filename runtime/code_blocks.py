"""Keeps what follows a text out of the code blocks that the text leaves open."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

FENCES = ("```", "~~~")
_BEHIND = "<!-- behind -->"


def closed(text: str) -> str:
    """Return text with its last code block closed, if it is open at the end; doing it twice changes nothing."""
    if not any(fence in text for fence in FENCES):
        return text
    last = _blocks().parse(f"{text}\n\n{_BEHIND}")[-1]
    is_open = last.type == "fence" and last.content.rstrip().endswith(_BEHIND)
    return f"{text.rstrip()}\n{last.markup}" if is_open else text


@cache
def _blocks() -> "MarkdownIt":
    """Return a reader of blocks only: what stands in a line cannot open one."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark")
    reader.core.ruler.enableOnly(["normalize", "block"])
    return reader
