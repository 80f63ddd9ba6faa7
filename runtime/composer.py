"""What of a message can be recognised in an agent's composer, and how text is made harmless for it."""

import re

from runtime.visible import plain

MAY_COMMAND = ("/", "!", "#")
# Punctuation that selects nothing in any dialog we know, see knowledge/agents.md section 1.
PROBE = "~.~.~"
# How agents that show long pastes as one word write it.
FOLDED = "[Pasted"
# Characters, white space left out, by which the end of a text is recognised.
ENDING = 24

_FOLDED_BEFORE_PROBE = re.compile(r"\[Pasted[^\]]*\]" + re.escape(PROBE))


def as_terminal_text(text: str) -> str:
    """Return text that a terminal and an agent take as data; doing it twice changes nothing.

    Control characters go, characters that reorder or hide text become visible. A first character that agents read as
    a command gets a space before it, a last one that makes a line break of Enter gets a space behind it.
    """
    shown = plain(text).strip("\n")
    shown = f"{shown} " if shown.endswith("\\") else shown
    return f" {shown}" if shown.startswith(MAY_COMMAND) else shown


def shows(screen: str, before: str, text: str) -> bool:
    """Tell whether the end of a text has come onto the screen; something that ends alike may have stood there before.

    Its beginning tells nothing: that of every comment is the same, and a composer scrolls to its end.
    """
    now, then = _closed(screen), _closed(before)
    return any(now.count(sign) > then.count(sign) for sign in (_closed(text)[-ENDING:], FOLDED) if sign)


def holds(screen: str, text: str) -> bool:
    """Tell whether the composer holds the text, seen by the probe right behind it."""
    now = _closed(screen)
    return _closed(text)[-ENDING:] + PROBE in now or _FOLDED_BEFORE_PROBE.search(now) is not None


def is_one_of(line: str, texts: list[str]) -> bool:
    """Tell whether the composer's line is one of these texts, or a probe that was left behind."""
    shown = _squeezed(line)
    return PROBE in shown or any(_beginning(text) in shown for text in texts if text.strip())


def _beginning(text: str) -> str:
    return _squeezed(next(line for line in text.split("\n") if line.strip()).strip()[:24])


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _closed(text: str) -> str:
    return re.sub(r"\s+", "", text)
