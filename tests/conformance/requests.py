"""Listens at the door of the local GitHub and holds what the bot asks against GitHub's description."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs

from tests.conformance.judge import OURS, Judge, to_json_schema

WANTED = ("accept", "authorization", "user-agent", "x-github-api-version")


@dataclass
class Heard:
    """One request, whole."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Ear:
    """ASGI middleware that keeps what the bot asks for, git's own requests and people's excepted."""

    app: Any
    heard: list[Heard] = field(default_factory=list)

    async def __call__(self, scope, receive, send):
        headers = {name.decode(): value.decode() for name, value in scope.get("headers", ())}
        if scope["type"] != "http" or "agent-orchestrator" not in headers.get("user-agent", ""):
            return await self.app(scope, receive, send)
        heard = Heard(scope["method"], scope["path"], scope["query_string"].decode(), headers)
        self.heard.append(heard)

        async def listen():
            message = await receive()
            heard.body += message.get("body", b"")
            return message

        return await self.app(scope, listen, send)


def wrong(judge: Judge, heard: Heard) -> list[str]:
    """What GitHub would not understand, or would pass over in silence."""
    missing = [f"{heard.method} {heard.path}: no {name}" for name in WANTED if name not in heard.headers]
    if OURS.match(heard.path):
        return missing + (judge.query(json.loads(heard.body)["query"]) if heard.path.endswith("/graphql") else [])
    found = judge.operation(heard.method, heard.path)
    if found is None:
        return [*missing, f"{heard.method} {heard.path}: GitHub has no such operation"]
    template, operation = found
    where = f"{heard.method} {template}"
    return [*missing, *_in_query(judge, where, operation, heard.query), *_in_body(judge, where, operation, heard.body)]


def _in_query(judge: Judge, where: str, operation: dict[str, Any], query: str) -> list[str]:
    described = [judge.deref(each) for each in operation.get("parameters", ())]
    known = {each["name"] for each in described if each["in"] == "query"}
    return [f"{where}: no parameter {name}" for name, _ in parse_qsl(query) if name not in known]


def _in_body(judge: Judge, where: str, operation: dict[str, Any], body: bytes) -> list[str]:
    described = judge.deref(operation.get("requestBody", {})).get("content", {}).get("application/json")
    if described is None or not body:
        needed = judge.deref(operation.get("requestBody", {})).get("required", False)
        return [f"{where}: a body where none is described"] if body else [f"{where}: no body"] if needed else []
    value, schema = json.loads(body), described["schema"]
    validator = jsonschema_rs.Draft202012Validator(to_json_schema(schema), registry=judge.registry)
    unknown = value.keys() - _fields(judge, schema) if isinstance(value, dict) else ()
    return [*judge.faults(validator, value, where), *(f"{where}: no field {name}" for name in unknown)]


def _fields(judge: Judge, schema: dict[str, Any]) -> set[str]:
    schema = judge.deref(schema)
    parts = [part for key in ("oneOf", "anyOf", "allOf") for part in schema.get(key, ())]
    return set(schema.get("properties", ())).union(*(_fields(judge, part) for part in parts))
