"""A real sandbox: a real zygote, real children."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.sandbox.outcome import CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script

DOCUMENT = {
    "details": ['{"tags":["v1/me"],"parameters":[{"name":"a"}]}', '{"type":"object","required":["id"]}'],
    "paths": {
        "items": {"/v1/me": 0, "/v1/domain/zone": 1},
        "methods": [["get", "put"], ["get"]],
        "operations": {
            "operationId": [None, None, None],
            "summary": ["Who you are", "Change", "Your zones"],
            "tags": [-1, -1, -1],
            "kind": [0, 1, 1],
            "details": [0, -1, -1],
        },
        "tags": [],
        "kinds": [{"same": {}, "folded": ["tags", "parameters"]}, {"same": {}, "folded": []}],
    },
    "document": {
        "openapi": "3.1.0",
        "paths": None,
        "components": {"schemas": {"Me": {"…": [1, "type", "required"]}}},
    },
}


async def echo(call: ScriptCall) -> CallAnswer:
    """Answer a call with what it asked for."""
    return CallAnswer(is_ok=True, json=json.dumps(asked(call)).encode())


def asked(call: ScriptCall) -> JsonObject:
    """Return what a script gave to ovh.request, its body included."""
    return call.arguments if call.body is None else {**call.arguments, "body": json.loads(call.body)}


@pytest.fixture
async def sandbox(anyio_backend: str) -> AsyncIterator[Sandbox]:
    box = Sandbox(load_document=lambda: iter([json.dumps(DOCUMENT).encode()]))
    yield box
    await box.aclose()


Run = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    async def run_code(
        code: str,
        answer: Callable[[ScriptCall], Awaitable[CallAnswer]] = echo,
        *,
        timeout_s: float = 5.0,
        cpu_s: float = 5.0,
        may_call: bool = True,
    ) -> Outcome:
        script = parse_script(code, limit_bytes=1 << 20)
        return await sandbox.run(script, answer, ScriptLimits(timeout_s, cpu_s, may_call=may_call))

    return run_code


def value(outcome: Outcome) -> JsonValue:
    """Return the result of a script that succeeded."""
    assert outcome.failure is None, outcome.failure
    assert outcome.result is not None
    parsed: JsonValue = json.loads(outcome.result)
    return parsed
