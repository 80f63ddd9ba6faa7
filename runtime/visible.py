"""What people see of a text that others wrote."""

import re

_HIDDEN = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_GONE = {code: None for code in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)) if code not in (0x09, 0x0A)}
# Reorder, hide or smuggle text: bidirectional controls, zero-width characters and tags.
_SEEN = (
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xE0000, 0xE0080),
)
_CHARACTERS: dict[int, str | None] = {
    **_GONE,
    **{code: f"<U+{code:04X}>" for code in _SEEN if code not in (0x200C, 0x200D)},
    0x2028: "\n",
    0x2029: "\n",
}


def visible(body: str) -> str:
    """Drop HTML comments: what nobody can see on the page must not reach an agent."""
    return _HIDDEN.sub("", body).strip()


def plain(text: str) -> str:
    """Drop control characters, and show those that reorder or hide text; doing it twice changes nothing."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CHARACTERS)
