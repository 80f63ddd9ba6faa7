"""The interface of the real service held against its own description; tests/bot/api holds a made-up one to more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from tests.e2e.play import set_stage, short_directory

EXAMPLES = 4
ENDLESS = "/api/v1/records"
CHECKS = {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 404, 409, 422]}}}


@asynccontextmanager
async def reached_over_tcp(socket: Path) -> AsyncIterator[str]:
    """The address at which whatever listens on a Unix socket can be reached too."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(socket)
        await asyncio.gather(pour(reader, there_writer), pour(there_reader, writer))

    async def pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await source.read(65536):
                target.write(content)
                await target.drain()
        target.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def hold(operation: schemathesis.APIOperation, mode: GenerationMode, address: str) -> None:
    """Ask an operation what its description allows or forbids, and check each answer."""

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=address)

    asked()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_the_real_service_keeps_what_its_description_promises():
    with short_directory() as home:
        async with set_stage(home) as stage, reached_over_tcp(stage.service.data / "ao.sock") as address:
            described = await stage.service.get("/api/v1/openapi.json")
            schema = schemathesis.openapi.from_dict(described, config=SchemathesisConfig.from_dict(CHECKS))
            operations = [found.ok() for found in schema.get_all_operations()]
            assert len(operations) > 20
            for operation in operations:
                can_be_wrong = bool(operation.body or operation.query)
                for mode in GenerationMode if can_be_wrong else (GenerationMode.POSITIVE,):
                    if operation.path != ENDLESS:
                        await asyncio.to_thread(hold, operation, mode, address)
            assert (await stage.service.get("/api/v1/status"))["pid"]
