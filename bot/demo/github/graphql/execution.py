"""Answering a GraphQL document from objects whose fields are functions of their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.demo.github.graphql.language import Document, Field, Malformed, Operation, Selection, Spread, Variable
from bot.demo.github.people import Json

Arguments = dict[str, Any]
Resolver = Callable[[Arguments], Any]


@dataclass
class Object:
    """A thing of a type; each field is a value, or a function of the field's arguments."""

    type: str
    fields: Mapping[str, Any]
    interfaces: frozenset[str] = frozenset({"Node"})


class Problem(Exception):
    """A field that has no answer: it becomes null, and the errors say why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Undefined(Exception):
    """A field that does not exist: the whole document is refused."""

    def __init__(self, path: Sequence[str], name: str, type_name: str) -> None:
        super().__init__(f"Field '{name}' doesn't exist on type '{type_name}'")
        extensions = {"code": "undefinedField", "typeName": type_name, "fieldName": name}
        self.error = {"path": list(path), "extensions": extensions, "locations": [], "message": str(self)}


@dataclass
class Execution:
    """One run of an operation; `errors` collects what could not be answered."""

    document: Document
    operation: Operation
    variables: Arguments
    errors: list[Json] = field(default_factory=list)

    async def run(self, root: Object) -> Json:
        """The data."""
        data = await self._select(root, self.operation.selections, [])
        return data

    async def _select(self, thing: Object, selections: list[Selection], path: list[str | int]) -> Json:
        shown: Json = {}
        for chosen in self._fields(thing, selections):
            value = await self._field(thing, chosen, [*path, chosen.key])
            known = shown.get(chosen.key)
            shown[chosen.key] = known | value if isinstance(known, dict) and isinstance(value, dict) else value
        return shown

    def _fields(self, thing: Object, selections: list[Selection]) -> list[Field]:
        found: list[Field] = []
        for one in selections:
            if not self._included(one):
                continue
            if isinstance(one, Field):
                found.append(one)
                continue
            spread = self._fragment(one) if one.fragment else one
            if spread.type in ("", thing.type) or spread.type in thing.interfaces:
                found += self._fields(thing, spread.selections)
        return found

    def _fragment(self, use: Spread) -> Spread:
        if use.fragment not in self.document.fragments:
            raise Malformed(f"Fragment {use.fragment} was used, but not defined")
        return self.document.fragments[use.fragment]

    def _included(self, one: Selection) -> bool:
        skip = self._value(one.directives.get("skip", {}).get("if", False))
        return bool(self._value(one.directives.get("include", {}).get("if", True))) and not skip

    async def _field(self, thing: Object, chosen: Field, path: list[str | int]) -> Any:
        if chosen.name == "__typename":
            return thing.type
        if chosen.name not in thing.fields:
            raise Undefined([self.operation.kind, *map(str, path)], chosen.name, thing.type)
        value = thing.fields[chosen.name]
        try:
            if callable(value):
                value = value({name: self._value(each) for name, each in chosen.arguments.items()})
            if inspect.isawaitable(value):
                value = await value
        except Problem as problem:
            self.errors.append({"type": problem.kind, "path": path, "locations": [], "message": str(problem)})
            return None
        return await self._complete(value, chosen, path)

    async def _complete(self, value: Any, chosen: Field, path: list[str | int]) -> Any:
        if isinstance(value, list):
            return [await self._complete(each, chosen, [*path, index]) for index, each in enumerate(value)]
        if not isinstance(value, Object):
            return value
        if not chosen.selections:
            raise Malformed(f"Field must have selections (field '{chosen.name}' returns {value.type})")
        return await self._select(value, chosen.selections, path)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Variable):
            return self.variables.get(value.name)
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, dict):
            return {name: self._value(each) for name, each in value.items()}
        return value


def connection(
    type_name: str, nodes: Sequence[Any], arguments: Arguments, shape: Callable[[Any], Object], **more: Any
) -> Object:
    """A page of a list by `first`/`after` or `last`/`before`; cursors are positions."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        words = "You must provide a `first` or `last` value to properly paginate the connection."
        raise Problem("MISSING_PAGINATION_BOUNDARIES", words)
    if not 1 <= (first or last or 0) <= 100:
        raise Problem("EXCESSIVE_PAGINATION", "`first` and `last` must be between 1 and 100.")
    start, end = int(arguments.get("after") or 0), int(arguments.get("before") or len(nodes) + 1) - 1
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    shown = [(number, shape(nodes[number])) for number in range(start, end)]
    info = {
        "hasNextPage": end < len(nodes),
        "hasPreviousPage": start > 0,
        "startCursor": str(start + 1) if shown else None,
        "endCursor": str(end) if shown else None,
    }
    edge = f"{type_name.removesuffix('Connection')}Edge"
    fields = {
        "totalCount": len(nodes),
        "nodes": [node for _, node in shown],
        "edges": [Object(edge, {"cursor": str(number + 1), "node": node}) for number, node in shown],
        "pageInfo": Object("PageInfo", info),
    }
    return Object(type_name, fields | more, frozenset())
