"""Every hostile script comes to what it must, and the next search is right."""

import asyncio
import json
import re
from pathlib import Path
from typing import Final

import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.errors import CodeError
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.sandbox.outcome import CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from tests.hostile.corpus import CORPUS, table
from tests.hostile.script_entry import FORGED, Fails, Gives, HostileScript, Refused

pytestmark = pytest.mark.anyio

_EVERYTHING: Final = [script for scripts in CORPUS.values() for script in scripts]
_ENDS_WITHIN_S: Final = 30.0  # beyond the script's own limit, on a machine that does other things too
_FAILURE: Final[JsonObject] = {
    "message": "This call does not succeed.",
    "code": "refused",
    "status": 403,
    "details": {"why": "because"},
}
_CITED: Final = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}|[\w.-]+/[\w.-]+#\d+|class: \w")

# Scripts that do not come to what they must, each with what it comes to instead.
_DEFECTS: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "an expression that closes the brackets around it",
            "a comma that closes the brackets around it",
            "a line comment that a line separator ends",
            "an exported expression that closes the brackets",
        ),
        "the code closes the wrapper, the guest meets a value that is no function, and its process ends",
    ),
    **dict.fromkeys(
        (
            "a function that closes the brackets around it",
            "an await that closes the brackets around it",
            "brackets that close and call",
            "a block that closes the block around it",
            "a block that goes on as another if",
            "an else to the condition around it",
            "a function that is closed and called",
            "statements that close the function around them",
        ),
        "the code closes the wrapper and is run, although it is no JavaScript by itself",
    ),
    **dict.fromkeys(
        (
            "a text that ends at a NUL",
            "a NUL behind a whole script",
            "a NUL in a text, which the engine could only cut short",
        ),
        "not-a-function ('the code is a value'): the binding does not take the NUL",
    ),
    "a private name outside any class": "threw: an error of the compiler that has no place",
    **dict.fromkeys(
        (
            "jobs queued in a loop that lets none of them run",
            "a shortage of memory that has never been touched",
            "a text that is normalized into more than memory holds",
        ),
        "threw null: what the engine throws when it is too short of memory to make an error",
    ),
    "a result that gives birth to more of itself while it is written": "never-settles: the shortage is lost",
    "a regular expression that remembers every place to come back to": "threw: the engine words it differently",
    **dict.fromkeys(
        (
            "an error of memory that is not one",
            "an error of memory by name",
            "a null that is thrown after a lot was used",
            "an error of the stack that is not one",
        ),
        "memory or stack, because the script said so",
    ),
    **dict.fromkeys(
        (
            "a toJSON on every object while a failure of the API is written",
            "details of a failure of the API that the script rewrites",
        ),
        "the fields are what the script made of them",
    ),
    **dict.fromkeys(
        ("a place with a column that no number holds", "a place with a column of 5,000 digits"),
        "crashed: the place is taken from a stack that the script wrote",
    ),
    **dict.fromkeys(
        ("a note that names a key of 100,000 letters", "eight notes that name long keys"),
        "crashed: the notes are longer than the head of a frame may be",
    ),
    "a place beyond all numbers, thrown by a statement": "crashed: the place is taken from a stack of the script's",
    **dict.fromkeys(
        (
            f"{what}, thrown by a {where}"
            for what in (
                "a symbol",
                "an object that is no text",
                "a revoked proxy",
                "an error whose message throws",
            )
            for where in ("statement", "job")
        ),
        "'Failed obtaining QuickJS error string': the binding cannot make a text of it",
    ),
    **dict.fromkeys(
        ("a text, thrown by a statement", "a text, thrown by a job"),
        "the message has the stack behind it, which is undefined",
    ),
    **dict.fromkeys(
        (
            f"an error with {what}, thrown by a {where}"
            for what in ("a NUL", "half a surrogate pair")
            for where in ("statement", "job")
        ),
        "the message is cut at the NUL, the half is shown as three characters",
    ),
    "an OvhError with a message of a mebibyte": "an error that cannot be read: its fields do not fit",
    "a body of wide characters at the limit": "crashed: the body is measured in characters, the frame in bytes",
    "the same search with little CPU time": "timeout: nobody ends what the engine does not interrupt but the clock",
    "a frozen document": "threw: what is folded and frozen cannot be unfolded",
}

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


class _Api:
    """Stands for the API: it answers what is documented at HostileScript, and remembers."""

    def __init__(self) -> None:
        self.calls: list[JsonObject] = []

    async def answer(self, call: ScriptCall) -> CallAnswer:
        self.calls.append(call.arguments)
        if call.arguments.get("path") == "/v1/fails":
            return CallAnswer(is_ok=False, json=json.dumps(_FAILURE).encode())
        if call.arguments.get("path") == "/v1/never":
            await asyncio.Event().wait()
        answer: JsonObject = {"answer": len(self.calls), "asked": call.arguments}
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


def _entries() -> list[object]:
    return [
        pytest.param(
            script,
            id=script.name,
            marks=[pytest.mark.xfail(reason=_DEFECTS[script.name])] if script.name in _DEFECTS else [],
        )
        for script in _EVERYTHING
    ]


@pytest.mark.parametrize("script", _entries())
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
    assert outcome.calls >= len(api.calls)
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


def test_there_are_enough_scripts_each_with_a_name_of_its_own_and_a_source() -> None:
    assert len(_EVERYTHING) >= 170
    assert min(map(len, CORPUS.values())) >= 25
    names = [script.name for script in _EVERYTHING]
    assert sorted(names) == sorted(set(names))
    assert not [script.name for script in _EVERYTHING if not _CITED.search(script.source)]
    assert set(_DEFECTS) <= set(names)


def test_no_script_is_in_the_corpus_twice() -> None:
    codes = [script.code for script in _EVERYTHING]
    assert len(codes) == len(set(codes))


def test_the_table_of_the_readme_is_that_of_the_corpus() -> None:
    readme = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    assert table() in readme
