"""How a wrong setting reads: place, key, the value seen (never a secret) and the fix, on one line."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_SHOWN = 60
_WRITE = {
    "repo": "write owner/name as on GitHub",
    "id": "a project's id is made of letters, digits, - and _",
    "session_prefix": "write up to 16 lower-case letters, digits and -, starting with a letter or digit",
}
_KINDS = {
    "list_type": "write a list", "tuple_type": "write a list",
    "dict_type": "write a mapping", "model_type": "write a mapping",
    "int_type": "write a whole number", "int_parsing": "write a whole number", "int_from_float": "write a whole number",
}  # fmt: skip
"""What pydantic says in words of Python."""
_SECRET_KEYS = re.compile(r"secret|token|password|(^|\.)env(\.|$)|notifiers", re.IGNORECASE)


Locate = Callable[[str], tuple[str, str]]
"""From a dotted key of the model to the place and the name under which the person wrote it."""


def line(place: object, key: str, text: str) -> str:
    """Return one problem as it is shown; line breaks in values cannot forge a second one."""
    return f"{place}: {key}: {text}".replace("\n", " ").replace("\r", " ")


def seen(key: str, value: object) -> str:
    """Return a value as it may be shown, shortened; nothing of it when the key sounds secret."""
    if _SECRET_KEYS.search(key):
        return "the value (not shown)"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    text = ascii(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` when a known name is close, else the names that exist."""
    names = sorted(known)
    folded = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower() if not name.isupper() else name
    if close := difflib.get_close_matches(folded, names, n=1, cutoff=0.6):
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(names)}" if len(names) <= 12 else "remove it"


def lines_of(error: ValidationError, model: type[BaseModel], locate: Locate) -> list[str]:
    """Return one line per error of a validation."""
    return [_line_of(details, model, locate) for details in error.errors(include_url=False)]


def _line_of(details: ErrorDetails, model: type[BaseModel], locate: Locate) -> str:
    keys = [str(part) for part in details["loc"]]
    place, key = locate(".".join(keys))
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        return line(place, key, f"unknown key; {nearest(keys[-1], _keys_at(model, keys[:-1]))}")
    if kind == "missing":
        return line(place, key, f"missing; {_WRITE.get(keys[-1], 'add it')}")
    return line(place, key, f"{seen(key, value)} is not possible: {_fix(kind, details)}")


def _fix(kind: str, details: ErrorDetails) -> str:
    if kind == "literal_error":
        return f"write {details['ctx']['expected'].replace(chr(39), '')}"
    if kind == "string_pattern_mismatch":
        return _WRITE.get(str(details["loc"][-1]), f"it must match {details['ctx']['pattern']}")
    if kind in _KINDS:
        return _KINDS[kind]
    text = details["msg"].removeprefix("Value error, ")
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the keys that the model knows at a place; a collection's index or name stands for its items."""
    current: Any = model
    for part in path:
        current = _inside(current, part)
    return _names(current)


def _inside(model: type[BaseModel] | None, part: str) -> type[BaseModel] | None:
    for name, field in model.model_fields.items() if model else ():
        if part in (name, field.alias):
            return _model_in(field.annotation)
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _names(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []
