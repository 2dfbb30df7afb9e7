"""The document as scripts see it: details that arrive as text look like all the rest."""

import pytest

from ovh_api_mcp.json_value import JsonValue
from tests.sandbox.conftest import Run, value

pytestmark = pytest.mark.anyio

GET = {"summary": "Who you are", "tags": ["v1/me"], "parameters": [{"name": "a"}]}
ME = {"type": "object", "required": ["id"]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("op", GET),
        ("op.parameters[0].name", "a"),
        ("Object.keys(op)", ["summary", "tags", "parameters"]),
        ("Object.entries(op).length", 3),
        ("Object.values(op)[2]", [{"name": "a"}]),
        ("({ ...op })", GET),
        ("JSON.parse(JSON.stringify(op))", GET),
        ("'parameters' in op && op.hasOwnProperty('tags')", True),
        (
            "(() => { const { parameters, ...rest } = op; return rest })()",
            {"summary": "Who you are", "tags": ["v1/me"]},
        ),
        ("(() => { op.parameters = 1; return [op.parameters, op.tags] })()", [1, ["v1/me"]]),
        ("(() => { delete op.parameters; return [op.parameters, op.tags] })()", [None, ["v1/me"]]),
        ("Object.create(op).parameters[0].name", "a"),
        ("op.parameters === op.parameters", True),
        ("op['…']", None),
        ("spec.components.schemas", {"Me": ME}),
        ("Object.getOwnPropertySymbols(op).length", 0),
    ],
)
async def test_details_read_like_any_other_property(run: Run, expression: str, expected: JsonValue) -> None:
    outcome = await run(f"(spec) => {{ const op = spec.paths['/v1/me'].get; return {expression} }}")
    assert value(outcome) == expected


async def test_details_hold_against_a_script_that_spoils_the_language(run: Run) -> None:
    code = (
        "() => { JSON.parse = null; WeakMap.prototype.get = null; Object.defineProperty = null;"
        " Object.prototype.get = 1; Object.prototype.set = 1;"
        " const found = spec.paths['/v1/me'].get.parameters[0].name;"
        " delete Object.prototype.get; delete Object.prototype.set; return found }"
    )
    assert value(await run(code)) == "a"
