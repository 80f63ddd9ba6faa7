"""What people see of a text that others wrote."""

import re

_HIDDEN = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)


def visible(body: str) -> str:
    """Drop HTML comments: what nobody can see on the page must not reach an agent."""
    return _HIDDEN.sub("", body).strip()
