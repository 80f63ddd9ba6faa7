"""The interface held against its own description: what it accepts, refuses and answers is what the document says."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from bot.api.app import private_app
from bot.api.openapi import describe
from bot.api.operations import OPERATIONS
from tests.bot.fake_service import FakeService, delivery, record, session

EXAMPLES = 20
ENDLESS = "/api/v1/records"
"""Its answer never ends; test_app.py reads it."""
NAMES = [f"{op.method} {op.path}" for op in OPERATIONS]


def served() -> FakeService:
    fake = FakeService()
    fake.rows = [session("app-1"), session("app-2", ended_at="2020-01-01T00:00:00Z")]
    fake.journal, fake.trail = [delivery("guid-1")], [record(1)]
    return fake


@pytest.fixture(scope="module")
def operations():
    config = SchemathesisConfig.from_dict(
        # 422 is for what is as described and still makes no sense, such as a project that does not exist
        {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 404, 409, 422]}}}
    )
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", private_app(served()), config=config)
    return {f"{op.method.upper()} {op.path}": op for op in (found.ok() for found in schema.get_all_operations())}


def test_every_operation_is_described(operations):
    assert set(operations) == {*NAMES, f"GET {ENDLESS}"}
    ids = [path[method]["operationId"] for path in describe("1")["paths"].values() for method in path]
    assert len(ids) == len(set(ids))


def test_bounds_of_numbers_are_described():
    paths = describe("1")["paths"]
    for path in ("/api/v1/deliveries", "/api/v1/records/search", "/api/v1/explanations/{name}"):
        [limit] = [one["schema"] for one in paths[path]["get"]["parameters"] if one["name"] == "limit"]
        assert (limit["minimum"], limit["maximum"]) == (1, 1000)
    [after] = [one["schema"] for one in paths[ENDLESS]["get"]["parameters"] if one["name"] == "after"]
    assert after["minimum"] == 0


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", NAMES)
def test_the_interface_keeps_what_its_description_promises(operations, name, mode):
    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operations[name].as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case) -> None:
        case.call_and_validate()

    try:
        asked()
    except Unsatisfiable:
        pytest.skip("nothing that this operation is asked can be wrong")


@pytest.mark.parametrize("name", NAMES)
def test_other_methods_are_refused_with_those_that_are_taken(operations, name):
    case = operations[name].Case(path_parameters={key: "x" for key in ("id", "guid", "project", "name")})
    case.method = "TRACE"
    answer = case.call()
    assert answer.status_code == 405
    assert answer.headers["content-type"] == ["application/problem+json"]
    assert name.split()[0] in answer.headers["allow"][0]
