"""Holds webhooks, answers and queries against what GitHub publishes."""

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import graphql
import jsonschema_rs

URN = "urn:github"
OURS = re.compile(r"/(_local|graphql|api/|login)|/[^/]+/[^/]+\.git/")


def to_json_schema(node: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: `nullable` and references are written differently there."""
    if isinstance(node, list):
        return [to_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return {"$ref": URN + node["$ref"]}
    plain = {key: node[key] for key in ("enum", "const", "required", "default") if key in node}
    left_out = {
        "example",
        "examples",
        "nullable",
        "discriminator",
        "xml",
        "externalDocs",
        "readOnly",
        "writeOnly",
        *plain,
    }
    schema: dict[str, Any] = plain
    for key, value in node.items():
        if key == "properties":
            schema[key] = {name: to_json_schema(each) for name, each in value.items()}
        elif key not in left_out:
            schema[key] = to_json_schema(value)
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") else schema


class Judge:
    """Reads the published files once; each verdict is a list of what is wrong."""

    def __init__(self, data: Path) -> None:
        self.data = data / "node_modules" / "@octokit"
        self.seen: set[str] = set()

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The REST description."""
        return json.loads((self.data / "openapi/generated/api.github.com.json").read_text())

    @cached_property
    def registry(self) -> jsonschema_rs.Registry:
        """The description's schemas, by reference."""
        schemas = {name: to_json_schema(each) for name, each in self.openapi["components"]["schemas"].items()}
        dialect = "https://json-schema.org/draft/2020-12/schema"
        return jsonschema_rs.Registry([(URN, {"$schema": dialect, "components": {"schemas": schemas}})])

    @cached_property
    def routes(self) -> list[tuple[re.Pattern[str], str, dict[str, Any]]]:
        """The paths as expressions, the most literal first; references and paths may contain slashes."""
        found = []
        for template, item in self.openapi["paths"].items():
            parts = re.split(r"(\{[^}]+\})", template)
            wide = ("{ref}", "{path}", "{branch}")
            pattern = "".join(
                (".+" if part in wide else "[^/]+") if part[:1] == "{" else re.escape(part) for part in parts
            )
            found.append((re.compile(pattern), template, item))
        return sorted(found, key=lambda route: (route[1].count("{"), -len(route[1])))

    @cached_property
    def webhooks(self) -> dict[str, Any]:
        """The webhooks' schemas."""
        return json.loads((self.data / "webhooks-schemas/schema.json").read_text())

    @cached_property
    def graphql(self) -> graphql.GraphQLSchema:
        """The GraphQL schema."""
        text = (self.data / "graphql-schema/schema.graphql").read_text()
        return graphql.build_schema(text, assume_valid=True)

    def webhook(self, event: str, payload: dict[str, Any]) -> list[str]:
        """What is wrong with a webhook."""
        action = payload.get("action")
        name = f"{event}${action}" if f"{event}${action}" in self.webhooks["definitions"] else f"{event}$event"
        self.seen.add(name)
        schema = {**self.webhooks, "$ref": f"#/definitions/{name}"}
        schema.pop("oneOf", None)
        return self.faults(jsonschema_rs.Draft7Validator(schema), payload, name)

    def answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with a REST answer."""
        if OURS.match(path):
            return []
        found = self.operation(method, path)
        if found is None:
            return [f"{method} {path}: GitHub has no such operation"]
        template, operation = found
        self.seen.add(operation["operationId"])
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"{method} {template}: status {status} is not described"]
        content = self.deref(described).get("content", {}).get("application/json")
        if content is None or "schema" not in content:
            return (
                [f"{method} {template} {status}: a body where none is described"] if body not in (None, "", {}) else []
            )
        validator = jsonschema_rs.Draft202012Validator(to_json_schema(content["schema"]), registry=self.registry)
        return self.faults(validator, body, f"{method} {template} {status}")

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """The template and the description of what is asked, None where GitHub knows no such thing."""
        matching = [(template, item) for pattern, template, item in self.routes if pattern.fullmatch(path)]
        return next(((template, item[method.lower()]) for template, item in matching if method.lower() in item), None)

    def query(self, text: str) -> list[str]:
        """What is wrong with a GraphQL document."""
        return [str(error) for error in graphql.validate(self.graphql, graphql.parse(text))]

    def deref(self, node: dict[str, Any]) -> dict[str, Any]:
        """What a reference stands for."""
        while "$ref" in node:
            found: Any = self.openapi
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found[key.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def faults(self, validator: Any, value: Any, name: str) -> list[str]:
        """What a schema finds wrong with a value."""
        errors = validator.iter_errors(value)
        return [f"{name}: {'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in errors]
