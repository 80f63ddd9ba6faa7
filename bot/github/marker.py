"""The hidden line that ends everything we write, by which we find it again."""

import re
from urllib.parse import quote

from runtime.code_blocks import closed
from runtime.redact import MOST, shortened

MARKER = re.compile(r"<!-- ao:[a-z_]+:[^>\s]+ -->")
ENDS_WITH_MARKER = re.compile(MARKER.pattern + r"\s*\Z")


def marker(kind: str, key: str) -> str:
    """Return the marker of one outbox row; nothing in a key can end the HTML comment."""
    return f"<!-- ao:{kind}:{quote(key, safe='/:@#.').replace('--', '-%2D')} -->"


def marked(text: str, mark: str) -> str:
    """Return as much of the text as GitHub takes, with its marker as the last line, which no code block shows."""
    return f"{shortened(closed(text.rstrip()), MOST - len(mark) - 2)}\n\n{mark}"
