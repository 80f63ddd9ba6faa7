"""Finds the session or project that a person names."""

from bot.api.operation import Unknown
from bot.parts import Parts
from runtime.errors import WrongUse
from runtime.look import Look, look


def seen(parts: Parts, name: str) -> Look:
    """Return what is known of a session of a configured project; `Unknown` says how to list them."""
    found = parts.store.read(lambda sql: look(sql, name))
    if found is None or found.session.project not in parts.projects:
        raise Unknown(f"There is no session {name}; list all with: ao session ls --include-terminated")
    return found


def check_project(parts: Parts, name: str | None) -> None:
    """Raise `WrongUse`, which names the projects there are, unless this is one of them or none is named."""
    if name is not None and name not in parts.projects:
        raise WrongUse(f"There is no project {name!r}; there are: {', '.join(parts.projects) or 'none'}.")
