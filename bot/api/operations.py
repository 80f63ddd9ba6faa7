"""All operations of the interface, group by group."""

from bot.api import cleanups, deliveries, messages, records, restores, sessions, spawns, words
from bot.api.operation import Nothing, Operation
from bot.api.port import ServiceStatus

_STATUS = Operation(
    "GET", "/api/v1/status", "getStatus", "What the service does.", lambda s, _, __: s.status(), ServiceStatus, Nothing
)

OPERATIONS = (
    *sessions.OPERATIONS,
    *spawns.OPERATIONS,
    *restores.OPERATIONS,
    *cleanups.OPERATIONS,
    *messages.OPERATIONS,
    *words.OPERATIONS,
    *deliveries.OPERATIONS,
    *records.OPERATIONS,
    _STATUS,
)
