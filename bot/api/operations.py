"""All operations of the interface, group by group."""

from bot.api import (
    claims,
    cleanups,
    deliveries,
    explain,
    messages,
    orchestrators,
    records,
    restores,
    sessions,
    spawns,
    words,
)
from bot.api.operation import Nothing, Operation
from bot.api.port import ServiceStatus

_STATUS = Operation(
    "GET", "/api/v1/status", "getStatus", "What the service does.", lambda s, _, __: s.status(), ServiceStatus, Nothing
)
GROUPS = (
    sessions,
    spawns,
    restores,
    cleanups,
    claims,
    orchestrators,
    messages,
    words,
    deliveries,
    records,
    explain,
)

OPERATIONS: tuple[Operation, ...] = (*(operation for group in GROUPS for operation in group.OPERATIONS), _STATUS)
