"""Reading GraphQL documents: operations, fragments, selections, arguments and variables."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r'(?P<skip>[\s,\ufeff]+|#[^\n]*)|(?P<block>"""(?:[^"]|"(?!""))*""")|(?P<string>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[_A-Za-z]\w*)|(?P<mark>\.\.\.|[!$&()\[\]{}:=@|])"
)


class Malformed(Exception):
    """The document is not GraphQL."""


@dataclass(frozen=True)
class Variable:
    """A use of a variable as an argument."""

    name: str


@dataclass
class Field:
    """A selected field; `key` is its alias or name."""

    key: str
    name: str
    arguments: dict[str, Any]
    directives: dict[str, dict[str, Any]]
    selections: list[Selection] = field(default_factory=list)


@dataclass
class Spread:
    """An inline fragment, or with `fragment` the use of a named one."""

    type: str
    fragment: str
    directives: dict[str, dict[str, Any]]
    selections: list[Selection] = field(default_factory=list)


Selection = Field | Spread


@dataclass
class Operation:
    """A query or mutation with the defaults of its variables."""

    kind: str
    name: str
    defaults: dict[str, Any]
    required: set[str]
    selections: list[Selection]


@dataclass
class Document:
    """All operations and fragments."""

    operations: list[Operation] = field(default_factory=list)
    fragments: dict[str, Spread] = field(default_factory=dict)


def parse(text: str) -> Document:
    """Read a document; raise Malformed with what was found instead."""
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise Malformed(f"Parse error on {text[at]!r}")
            at = match.end()
            if match.lastgroup != "skip":
                self.tokens.append((str(match.lastgroup), match.group()))
        self.tokens.append(("end", "end of document"))
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1]

    def next(self, expected: str = "") -> str:
        kind, text = self.tokens[self.at]
        if expected and expected not in (kind, text):
            raise Malformed(f"Parse error on {text!r}, expected {expected}")
        self.at += 1
        return text

    def skip(self, text: str) -> bool:
        found = self.peek() == text
        self.at += found
        return found

    def document(self) -> Document:
        document = Document()
        while self.tokens[self.at][0] != "end":
            if self.skip("fragment"):
                name = self.next("name")
                self.next("on")
                kind, directives = self.next("name"), self.directives()
                document.fragments[name] = Spread(kind, "", directives, self.selections())
            else:
                document.operations.append(self.operation())
        if not document.operations:
            raise Malformed("A query attribute must be specified and must be a string.")
        return document

    def operation(self) -> Operation:
        if self.peek() == "{":
            return Operation("query", "", {}, set(), self.selections())
        kind = self.next("name")
        name = "" if self.peek() in "({@" else self.next("name")
        defaults: dict[str, Any] = {}
        required: set[str] = set()
        if self.skip("("):
            while not self.skip(")"):
                self.variable(defaults, required)
        self.directives()
        return Operation(kind, name, defaults, required, self.selections())

    def variable(self, defaults: dict[str, Any], required: set[str]) -> None:
        self.next("$")
        name = self.next("name")
        self.next(":")
        must = self.type()
        defaults[name] = None
        if self.skip("="):
            defaults[name] = self.value()
        elif must:
            required.add(name)

    def type(self) -> bool:
        if self.skip("["):
            self.type()
            self.next("]")
        else:
            self.next("name")
        return self.skip("!")

    def selections(self) -> list[Selection]:
        self.next("{")
        found: list[Selection] = []
        while not self.skip("}"):
            found.append(self.spread() if self.skip("...") else self.field())
        return found

    def spread(self) -> Spread:
        if self.skip("on"):
            return Spread(self.next("name"), "", self.directives(), self.selections())
        if self.peek() in "{@":
            return Spread("", "", self.directives(), self.selections())
        return Spread("", self.next("name"), self.directives())

    def field(self) -> Field:
        key = name = self.next("name")
        if self.skip(":"):
            name = self.next("name")
        arguments, directives = self.arguments(), self.directives()
        return Field(key, name, arguments, directives, self.selections() if self.peek() == "{" else [])

    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.skip("("):
            while not self.skip(")"):
                name = self.next("name")
                self.next(":")
                found[name] = self.value()
        return found

    def directives(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        while self.skip("@"):
            name = self.next("name")
            found[name] = self.arguments()
        return found

    def value(self) -> Any:
        kind, text = self.tokens[self.at]
        self.at += 1
        match kind:
            case "number":
                return json.loads(text)
            case "string":
                return json.loads(text)
            case "block":
                return text[3:-3].strip()
            case "name":
                return {"true": True, "false": False, "null": None}.get(text, text)
        return self.structure(text)

    def structure(self, mark: str) -> Any:
        if mark == "$":
            return Variable(self.next("name"))
        if mark == "[":
            values: list[Any] = []
            while not self.skip("]"):
                values.append(self.value())
            return values
        if mark != "{":
            raise Malformed(f"Parse error on {mark!r}, expected a value")
        pairs: dict[str, Any] = {}
        while not self.skip("}"):
            name = self.next("name")
            self.next(":")
            pairs[name] = self.value()
        return pairs
