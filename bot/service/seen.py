"""Finds the session that a person names."""

from bot.api.operation import Unknown
from bot.parts import Parts
from runtime.look import Look, look


def seen(parts: Parts, name: str) -> Look:
    """Return what is known of a session of a configured project; `Unknown` says how to list them."""
    found = parts.store.read(lambda sql: look(sql, name))
    if found is None or found.session.project not in parts.projects:
        raise Unknown(f"there is no session {name}: `ao session ls --include-terminated` lists all")
    return found
