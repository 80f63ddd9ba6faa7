"""The OpenAPI description, made from the table of operations and the types they answer."""

import re
from collections.abc import Collection
from typing import Any

import msgspec

from bot.api.operation import Operation
from bot.api.operations import OPERATIONS
from bot.api.records import RecordView, Wanted

_PROBLEM = {
    "description": "What went wrong and what to do next.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}


def describe(version: str) -> dict[str, Any]:
    """Return the description as a JSON object."""
    types = [operation.returns for operation in OPERATIONS] + [op.body for op in OPERATIONS if op.body]
    schemas, components = msgspec.json.schema_components(
        [*types, RecordView], ref_template="#/components/schemas/{name}"
    )
    answers, bodies = schemas[: len(OPERATIONS)], iter(schemas[len(OPERATIONS) :])
    paths: dict[str, dict[str, Any]] = {}
    for operation, answer in zip(OPERATIONS, answers, strict=True):
        body = next(bodies) if operation.body else None
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, answer, body)
    paths["/api/v1/records"] = {"get": _records()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Agent Orchestrator", "version": version},
        "paths": paths,
        "components": {"schemas": {**components, "Problem": _PROBLEM_SCHEMA}},
    }


def _operation(operation: Operation, answer: Any, body: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": answer}}},
            "default": _PROBLEM,
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": any(field.required for field in msgspec.structs.fields(operation.body)),
            "content": {"application/json": {"schema": body}},
        }
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    return _described(operation.parameters, in_path=re.findall(r"{(\w+)}", operation.path))


def _described(parameters: type[msgspec.Struct], *, in_path: Collection[str] = ()) -> list[dict[str, Any]]:
    (schema,), components = msgspec.json.schema_components([parameters])
    properties = components[schema["$ref"].rsplit("/", 1)[-1]]["properties"]
    return [
        {"name": name, "in": "path" if name in in_path else "query", "required": name in in_path, "schema": details}
        for name, details in properties.items()
    ]


def _records() -> dict[str, Any]:
    return {
        "operationId": "followRecords",
        "summary": "The audit trail as server-sent events, from `after`, from Last-Event-ID, or from now on.",
        "parameters": [
            {"name": "after", "in": "query", "required": False, "schema": _NUMBER},
            {"name": "Last-Event-ID", "in": "header", "required": False, "schema": _NUMBER},
            *_described(Wanted),
        ],
        "responses": {
            "200": {
                "description": "One event per record; `data` is a RecordView.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            "default": _PROBLEM,
        },
    }
