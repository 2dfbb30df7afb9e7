"""Calls of a script to the API."""

import asyncio
import json
from dataclasses import replace

import anyio
import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.fair_queue import FairQueue
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from tests.sandbox.conftest import Run, value
from tests.sandbox.test_life import zygotes

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
    all_are_there = asyncio.Event()

    async def slow(call: ScriptCall) -> CallAnswer:
        nonlocal now, peak
        now += 1
        peak = max(peak, now)
        if now == limits.CALLS_IN_FLIGHT_PER_SCRIPT:
            all_are_there.set()
        await all_are_there.wait()
        now -= 1
        return CallAnswer(is_ok=True, json=b"1")

    code = "async () => (await Promise.all(Array.from({ length: 1000 }, () => ovh.get('/v1/me')))).length"
    assert value(await run(code, slow, timeout_s=30)) == 1000
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


async def test_a_call_that_waited_for_its_turn_never_leaves_when_its_script_has_ended(
    sandbox: Sandbox,
) -> None:
    sandbox._turns = replace(sandbox._turns, calls=FairQueue("calls", 1, each=1, waiting=10, waiting_each=10))
    sent: list[object] = []
    hold, holding = asyncio.Event(), asyncio.Event()

    async def first_holds(call: ScriptCall) -> CallAnswer:
        sent.append(call.arguments["path"])
        holding.set()
        await hold.wait()
        return CallAnswer(is_ok=True, json=b"1")

    script = parse_script("async () => await ovh.post('/v1/holds')", limit_bytes=100)
    holder = asyncio.create_task(sandbox.run(script, first_holds, ScriptLimits(60)))
    await holding.wait()
    code = "async () => { ovh.post('/v1/waits'); for (;;) await null }"
    waiting = parse_script(code, limit_bytes=100)
    outcome = await sandbox.run(waiting, first_holds, ScriptLimits(0.3))
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"
    assert outcome.calls == 1
    hold.set()
    await holder
    assert sent == ["/v1/holds"]


@pytest.mark.promise("sharing.cancel")
async def test_a_write_that_has_begun_ends_by_itself_when_the_run_is_cancelled(sandbox: Sandbox) -> None:
    begun, finish, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(call: ScriptCall) -> CallAnswer:
        begun.set()
        await finish.wait()
        finished.set()
        return CallAnswer(is_ok=True, json=b"1")

    script = parse_script("async () => await ovh.post('/v1/x')", limit_bytes=100)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sandbox.run, script, slow, ScriptLimits(60))
        await begun.wait()
        tasks.cancel_scope.cancel()
    assert not finished.is_set()
    finish.set()
    await sandbox.aclose()
    assert finished.is_set()


async def test_a_child_does_not_live_on_while_its_write_settles(sandbox: Sandbox) -> None:
    finish = asyncio.Event()

    async def until_the_child_is_gone(call: ScriptCall) -> CallAnswer:
        [zygote] = zygotes()
        async with asyncio.timeout(10):
            while len(zygote.children()) > 1:  # one is the spare
                await asyncio.sleep(0.01)
        finish.set()
        return CallAnswer(is_ok=True, json=b"1")

    script = parse_script("async () => await ovh.post('/v1/x')", limit_bytes=100)
    await sandbox.run(script, until_the_child_is_gone, ScriptLimits(0.3))
    assert finish.is_set()


async def test_a_failure_names_the_calls_that_were_not_awaited(run: Run) -> None:
    outcome = await run("async () => { ovh.delete('/v1/a'); nope() }")
    assert outcome.failure is not None
    assert "1 had not been sent" in outcome.notes[0]


async def test_large_calls_wait_for_room(run: Run) -> None:
    now = peak = 0

    async def measure(call: ScriptCall) -> CallAnswer:
        nonlocal now, peak
        size = len(call.body or b"")
        now += size
        peak = max(peak, now)
        for _ in range(20):
            await asyncio.sleep(0)
        now -= size
        return CallAnswer(is_ok=True, json=b"1")

    size = limits.CALL_BYTES // 3
    code = f"async () => (await Promise.all(Array.from({{length: 10}}, () => ovh.post('/v1/x', {{ body: 'x'.repeat({size}) }})))).length"
    assert value(await run(code, measure)) == 10
    assert peak <= limits.CALL_BYTES
