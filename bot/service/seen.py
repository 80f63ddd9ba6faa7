"""Finds the session that a person names, or says what there is."""

from collections.abc import Collection

from bot.api.operation import Unknown
from bot.parts import Parts
from runtime.errors import WrongUse
from runtime.look import Look, look

NO_SESSION = "There is no session {name}; list all with: ao session ls --include-terminated"


def seen(parts: Parts, name: str) -> Look:
    """Return what is known of a session of a configured project; `Unknown` says how to list them."""
    found = parts.store.read(lambda sql: look(sql, name))
    if found is None or found.session.project not in parts.projects:
        raise Unknown(NO_SESSION.format(name=name))
    return found


def check(what: str, given: str | None, known: Collection[str]) -> None:
    """Raise `WrongUse`, which says what there is, unless nothing is given or something that is known."""
    if given is not None and given not in known:
        raise WrongUse(f"There is no {what} '{given}'; there are: {', '.join(known) or 'none'}.")
