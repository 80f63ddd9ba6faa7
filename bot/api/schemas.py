"""JSON Schemas of what the commands print with `--json`, made from the types that the interface answers with."""

from typing import Any

import msgspec

from bot.api.deliveries import DeliveryDetail, DeliveryView
from bot.api.explain import Explanation
from bot.api.records import RecordView
from bot.findings import Finding
from runtime.view import SessionView

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PRINTED: dict[str, tuple[Any, str]] = {
    "sessions": (list[SessionView], "ao status --json, ao session ls --json"),
    "session": (SessionView, "ao orchestrator status --json"),
    "deliveries": (list[DeliveryView], "ao deliveries ls --json"),
    "delivery": (DeliveryDetail, "ao deliveries show GUID --json"),
    "events": (list[RecordView], "ao events ls --json, ao events search TEXT --json"),
    "event": (RecordView, "each line of ao events tail --json"),
    "counts": (dict[str, int], "ao events stats --json"),
    "explanation": (Explanation, "ao explain NAME --json"),
    "findings": (list[Finding], "ao doctor --json"),
}
"""What is printed, under the name of its schema, and the commands that print it."""


def schema(name: str) -> dict[str, Any]:
    """Return the schema of this name; every key that it describes is always printed, others may join them."""
    printed, commands = PRINTED[name]
    (root,), components = msgspec.json.schema_components([printed], ref_template="#/$defs/{name}")
    for described in components.values():
        if described.get("type") == "object" and described.get("properties"):
            described["required"] = list(described["properties"])
    whole = {"$schema": DIALECT, "title": f"What is printed by {commands}", **root}
    return {**whole, "$defs": components} if components else whole
