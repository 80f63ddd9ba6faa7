"""The name that people read for a session, kept short and on one line."""

import re
import unicodedata

from runtime.facts import Facts
from runtime.sessions import Session

LONGEST = 80
_HEADING = re.compile(r"^#{1,6}\s+")


def display_name(session: Session, facts: Facts) -> str:
    """Return what a person called it, else its issue's title, else the first line of its task, else its id."""
    given = next((noted.value for noted in facts.noted if noted.key == "displayName"), "")
    of_issue = session.title if session.issue is not None else ""
    return next(filter(None, map(tidy, (given, of_issue, _first_line(session.task), session.title))), session.id)


def tidy(text: str) -> str:
    """Return what can be seen of a text, white space collapsed, cut to 80 code points, the last an ellipsis."""
    seen = "".join(char for char in text if char.isspace() or unicodedata.category(char)[0] != "C")
    line = " ".join(seen.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _first_line(text: str) -> str:
    lines = (_HEADING.sub("", line.strip()).strip("# ") for line in text.splitlines())
    return next(filter(None, lines), "")
