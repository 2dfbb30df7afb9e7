"""Every hostile script comes to what it must, and the next search is right."""

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.risk import Label
from ovh_api_mcp.errors import CodeError, OvhMcpError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.policy import Access
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.sandbox.outcome import CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from tests.gate.operations import Operations, Recorder, operation
from tests.hostile.corpus import CORPUS, table
from tests.hostile.script_entry import API_FAILURE, FORGED, Fails, Gives, HostileScript, Refused
from tests.sandbox.conftest import asked

pytestmark = pytest.mark.anyio

_EVERYTHING: Final = [script for scripts in CORPUS.values() for script in scripts]
_ENDS_WITHIN_S: Final = 30.0  # beyond the script's own limit, on a machine that does other things too
_CITED: Final = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}|[\w.-]+/[\w.-]+#\d+|class: \w")

# The document as a search must see it, and the language: each global with the names it has.
_LOOK_AROUND: Final = """(spec) => {
  const names = (o) => Reflect.ownKeys(o).map(String).sort();
  const language = {};
  for (const name of names(globalThis)) {
    const value = globalThis[name];
    language[name] = value === null || (typeof value !== "object" && typeof value !== "function") || name === "spec"
      ? typeof value : [names(value), value.prototype ? names(value.prototype) : [], Object.isFrozen(value)];
  }
  return { spec, language, paths: Object.keys(spec.paths).filter((path) => path.includes("/domain/zone")) };
}"""
_DOCUMENT: Final[JsonObject] = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/me": {
            "get": {"summary": "Who you are", "tags": ["v1/me"], "parameters": [{"name": "a"}]},
            "put": {"summary": "Change"},
        },
        "/v1/domain/zone": {"get": {"summary": "Your zones"}},
    },
    "components": {"schemas": {"Me": {"type": "object", "required": ["id"]}}},
}


_READ_ONLY: Final = Access("read-only")
# All are said to read: what keeps a write back here is the mode, not a label.
_OPERATIONS: Final = [
    replace(operation(f"{method} {path}", has_body=method is not Method.GET), labels=frozenset({Label.READ}))
    for method in Method
    for path in ("/v1/me", "/v1/x", "/v1/FORGED", "/v1/domain/zone", "/v1/domain/zone/{zoneName}/record")
]


class _Api:
    """Stands for the API: it answers what is documented at HostileScript, and remembers.

    Each request is put to a gate that only lets reads through, too; `sent` is what came out of it.
    """

    def __init__(self, access: Access = _READ_ONLY) -> None:
        self.calls: list[JsonObject] = []
        self._recorder = Recorder()
        self.sent = self._recorder.sent
        self._gate = Gatekeeper(Operations(_OPERATIONS), self._recorder.send, access=access)

    async def answer(self, call: ScriptCall) -> CallAnswer:
        arguments = asked(call)
        self.calls.append(arguments)
        if call.kind == "request":
            with suppress(OvhMcpError):
                await self._gate.request(call.arguments, call.body)
        if call.arguments.get("path") == "/v1/fails":
            return CallAnswer(is_ok=False, json=json.dumps(API_FAILURE).encode())
        if call.arguments.get("path") == "/v1/never":
            await asyncio.Event().wait()
        answer: JsonObject = {"answer": len(self.calls), "asked": arguments}
        return CallAnswer(is_ok=True, json=json.dumps(answer).encode())


async def _run(box: Sandbox, code: str, api: _Api, bounds: ScriptLimits) -> Outcome:
    async with asyncio.timeout(bounds.timeout_s + _ENDS_WITHIN_S):
        return await box.run(parse_script(code, limit_bytes=limits.CODE_BYTES_DEFAULT), api.answer, bounds)


@pytest.fixture(scope="module")
async def untouched(sandbox: Sandbox) -> JsonValue:
    """What a search sees before any hostile script has run."""
    return await _look_around(sandbox)


async def _look_around(box: Sandbox) -> JsonValue:
    outcome = await _run(box, _LOOK_AROUND, _Api(), ScriptLimits(10.0, may_call=False))
    assert outcome.failure is None, outcome.failure
    assert (outcome.logs, outcome.notes, outcome.calls) == ((), (), 0)
    seen: JsonValue = json.loads(outcome.result or b"")
    return seen


@pytest.mark.promise("limits.walls")
@pytest.mark.parametrize("script", _EVERYTHING, ids=lambda script: script.name)
async def test_a_hostile_script_comes_to_what_it_must_and_the_next_search_is_right(
    sandbox: Sandbox, untouched: JsonValue, script: HostileScript
) -> None:
    api = _Api()
    try:
        outcome = await _run(sandbox, script.code, api, script.limits)
    except CodeError as refusal:
        expected = {script.out.code} if isinstance(script.out, Refused) else set()
        if isinstance(script.out, Fails):
            expected = set(script.out.kinds)
        assert refusal.code in expected
        return
    try:
        _check(script, outcome, api)
    finally:
        assert {request.method for request in api.sent} <= {Method.GET}
        seen = await _look_around(sandbox)
        assert isinstance(seen, dict)
        assert seen == untouched
        assert (seen["spec"], seen["paths"]) == (_DOCUMENT, ["/v1/domain/zone"])


def _check(script: HostileScript, outcome: Outcome, api: _Api) -> None:
    failure = outcome.failure
    if isinstance(script.out, Gives):
        assert failure is None, failure
        assert _canonical(json.loads(outcome.result or b"")) == _canonical(script.out.value)
    else:
        assert isinstance(script.out, Fails)
        assert failure is not None, (outcome.result or b"")[:200]
        assert failure.kind in script.out.kinds, failure
        assert script.out.says in failure.message
        assert script.out.message in (None, failure.message)
        assert failure.fields == script.out.fields
    if script.logs is not None:
        assert tuple(line.text for line in outcome.logs) == script.logs
    if script.calls is not None:
        assert tuple(api.calls) == script.calls
    _check_that_nothing_is_forged(outcome, api)


def _check_that_nothing_is_forged(outcome: Outcome, api: _Api) -> None:
    assert outcome.failure is None or outcome.failure.kind != "crashed"
    assert outcome.calls + outcome.lookups >= len(api.calls)
    assert sum(len(line.text) for line in outcome.logs) <= limits.LOGS_BYTES
    assert FORGED.encode() not in (outcome.result or b"")
    shown: list[object] = [outcome.logs, outcome.notes, api.calls]
    if outcome.failure is not None:
        shown += [outcome.failure.name, outcome.failure.message, outcome.failure.hint, outcome.failure.fields]
    assert FORGED not in repr(shown)


def _canonical(value: JsonValue) -> str:
    """Tell true from 1 and 1 from 1.0, which Python holds equal."""
    return json.dumps(value, sort_keys=True)


async def test_the_sandbox_still_stands_after_all_of_them(sandbox: Sandbox, untouched: JsonValue) -> None:
    assert await asyncio.gather(*[_look_around(sandbox) for _ in range(8)]) == [untouched] * 8


async def test_a_gate_with_full_access_would_let_such_writes_through(sandbox: Sandbox) -> None:
    code = "async () => await Promise.all([ovh.post('/v1/x', { body: { a: 1 } }), ovh.delete('/v1/FORGED')])"
    sent = []
    for access in (Access(), _READ_ONLY):
        api = _Api(access)
        await _run(sandbox, code, api, ScriptLimits(10.0))
        sent.append({request.method for request in api.sent})
    assert sent == [{Method.POST, Method.DELETE}, set()]


def test_there_are_enough_scripts_each_with_a_name_of_its_own_and_a_source() -> None:
    assert len(_EVERYTHING) >= 170
    assert min(map(len, CORPUS.values())) >= 25
    names = [script.name for script in _EVERYTHING]
    assert sorted(names) == sorted(set(names))
    assert not [script.name for script in _EVERYTHING if not _CITED.search(script.source)]


def test_no_script_is_in_the_corpus_twice() -> None:
    codes = [script.code for script in _EVERYTHING]
    assert len(codes) == len(set(codes))


def test_the_table_of_the_readme_is_that_of_the_corpus() -> None:
    readme = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    assert table() in readme
