"""Calls of a script to the API."""

import asyncio
import json

import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall
from tests.sandbox.conftest import Run, value

pytestmark = pytest.mark.anyio


async def test_a_script_gets_the_answers_of_its_calls(run: Run) -> None:
    outcome = await run("async () => (await ovh.request({ method: 'PUT', path: '/v1/me', body: null })).body")
    assert value(outcome) is None
    assert outcome.calls == 1


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
async def test_the_short_forms_name_the_method(run: Run, method: str) -> None:
    outcome = await run(f"async () => await ovh.{method}('/v1/me', {{ query: {{ a: 1 }} }})")
    assert value(outcome) == {"method": method.upper(), "path": "/v1/me", "query": {"a": 1}}


async def test_an_absent_body_is_not_sent_and_every_other_value_is(run: Run) -> None:
    outcome = await run(
        "async () => { const out = []; for (const body of [undefined, null, 0, false, '', [], {}])"
        " out.push(await ovh.post('/v1/x', { body })); return out.map(a => 'body' in a ? a.body : 'absent') }"
    )
    assert value(outcome) == ["absent", None, 0, False, "", [], {}]


async def refuse(call: ScriptCall) -> CallAnswer:
    fields = {
        "message": "There is no such path.",
        "code": "unknown-operation",
        "path": call.arguments["path"],
    }
    return CallAnswer(is_ok=False, json=json.dumps(fields).encode())


async def test_a_failed_call_can_be_caught_and_the_script_goes_on(run: Run) -> None:
    outcome = await run(
        "async () => { try { await ovh.get('/v1/x') } catch (e) {"
        " return [e instanceof OvhError, e instanceof Error, e.name, e.message, e.code, e.path] } }",
        refuse,
    )
    assert value(outcome) == [True, True, "OvhError", "There is no such path.", "unknown-operation", "/v1/x"]


async def test_an_uncaught_failure_names_the_call_in_the_script(run: Run) -> None:
    failure = (await run("async () => {\n  return await ovh.get('/v1/x');\n}", refuse)).failure
    assert failure is not None
    assert (failure.kind, failure.name, failure.line) == ("threw", "OvhError", 2)
    assert failure.fields == {
        "message": "There is no such path.",
        "code": "unknown-operation",
        "path": "/v1/x",
    }


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("ovh.request('GET', '/v1/me')", "one object"),
        ("ovh.request()", "one object"),
        ("ovh.post('/v1/x', { body: NaN })", "body is NaN"),
        ("ovh.post('/v1/x', { body: { a: [ovh.get('/v1/y')] } })", "body.a[0] is a promise"),
        ("(() => { const b = {}; b.b = b; return ovh.post('/v1/x', { body: b }) })()", "holds itself"),
    ],
)
async def test_a_call_that_cannot_be_sent_says_why(run: Run, call: str, hint: str) -> None:
    failure = (await run(f"async () => await {call}")).failure
    assert failure is not None
    assert failure.name == "OvhError"
    assert hint in failure.message


async def test_a_search_makes_no_calls(run: Run) -> None:
    called: list[ScriptCall] = []

    async def note(call: ScriptCall) -> CallAnswer:
        called.append(call)
        return CallAnswer(is_ok=True, json=b"1")

    failure = (await run("async () => await ovh.get('/v1/me')", note, may_call=False)).failure
    assert failure is not None
    assert "execute" in failure.message
    assert not called


async def test_at_most_ten_calls_of_a_script_are_in_flight(run: Run) -> None:
    now = peak = 0

    async def slow(call: ScriptCall) -> CallAnswer:
        nonlocal now, peak
        now += 1
        peak = max(peak, now)
        for _ in range(20):
            await asyncio.sleep(0)
        now -= 1
        return CallAnswer(is_ok=True, json=b"1")

    code = "async () => (await Promise.all(Array.from({ length: 100 }, () => ovh.get('/v1/me')))).length"
    assert value(await run(code, slow)) == 100
    assert peak == limits.CALLS_IN_FLIGHT_PER_SCRIPT


async def test_a_script_makes_at_most_a_thousand_calls(run: Run) -> None:
    code = "async () => { let n = 0; try { for (;;) { await ovh.get('/v1/me'); n++ } } catch (e) { return [n, e.code] } }"
    assert value(await run(code, timeout_s=20)) == [limits.CALLS_PER_SCRIPT, "too-many-calls"]


async def test_calls_that_were_not_awaited_are_not_sent_and_the_note_says_so(run: Run) -> None:
    called: list[ScriptCall] = []

    async def note(call: ScriptCall) -> CallAnswer:
        called.append(call)
        return CallAnswer(is_ok=True, json=b"1")

    outcome = await run("async () => { ovh.delete('/v1/a'); ovh.delete('/v1/b'); return 1 }", note)
    assert value(outcome) == 1
    assert not called
    assert "2 had not been sent" in outcome.notes[0]


async def test_a_write_in_flight_when_the_script_ends_is_allowed_to_finish(run: Run) -> None:
    finished = asyncio.Event()

    async def slow(call: ScriptCall) -> CallAnswer:
        if call.arguments["method"] == "GET":
            return CallAnswer(is_ok=True, json=b"1")
        for _ in range(50):
            await asyncio.sleep(0)
        finished.set()
        return CallAnswer(is_ok=True, json=b"1")

    outcome = await run("async () => { ovh.delete('/v1/a'); await ovh.get('/v1/b'); return 1 }", slow)
    assert value(outcome) == 1
    assert finished.is_set()


async def test_an_answer_of_eight_mebibytes_fits(run: Run) -> None:
    async def large(call: ScriptCall) -> CallAnswer:
        return CallAnswer(is_ok=True, json=b'"' + b"x" * (limits.ANSWER_BYTES - 2) + b'"')

    assert value(await run("async () => (await ovh.get('/v1/me')).length", large)) == limits.ANSWER_BYTES - 2
