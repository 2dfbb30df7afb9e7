"""What a script looks up in the catalogue: answered beside its API calls, in both tools, and bounded."""

import asyncio
import json
from dataclasses import replace

import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.fair_queue import FairQueue
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from tests.sandbox.conftest import Run, asked, echo, value

pytestmark = pytest.mark.anyio

_WAIT_S = 20.0  # for what must happen, on a machine that does other things too


class Held:
    """Answers lookups at once, API calls when it is told to."""

    def __init__(self) -> None:
        self.calls: list[ScriptCall] = []
        self.most_at_once = 0
        self.released = asyncio.Event()
        self._now = 0

    async def answer(self, call: ScriptCall) -> CallAnswer:
        self.calls.append(call)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        if call.is_lookup:
            await asyncio.sleep(0)
        else:
            await self.released.wait()
        self._now -= 1
        return CallAnswer(is_ok=True, json=json.dumps(asked(call)).encode())


@pytest.mark.parametrize("may_call", [False, True])
async def test_words_and_options_travel_as_they_are_in_both_tools(run: Run, may_call: bool) -> None:
    seen: list[ScriptCall] = []

    async def answer(call: ScriptCall) -> CallAnswer:
        seen.append(call)
        return await echo(call)

    code = "async () => [await ovh.find('a b', { limit: 3 }), await ovh.find('c'), await ovh.describe('GET /v1/me'), await ovh.describe(['a', { path: 'b' }])]"
    outcome = await run(code, answer, may_call=may_call)
    assert value(outcome) == [
        {"words": "a b", "options": {"limit": 3}},
        {"words": "c"},
        {"operations": "GET /v1/me"},
        {"operations": ["a", {"path": "b"}]},
    ]
    assert [call.kind for call in seen] == ["find", "find", "describe", "describe"]
    assert not any(call.may_change_something for call in seen)
    assert (outcome.calls, outcome.lookups) == (0, 4)


async def test_search_may_look_up_but_not_call(run: Run) -> None:
    seen: list[ScriptCall] = []

    async def answer(call: ScriptCall) -> CallAnswer:
        seen.append(call)
        return await echo(call)

    code = """async () => {
      const made = await Promise.allSettled([ovh.get('/v1/me'), ovh.find('a'), ovh.delete('/v1/me'), ovh.describe('b')]);
      return made.map(each => each.value ? Object.keys(each.value)[0] : each.reason.message);
    }"""
    outcome = await run(code, answer, may_call=False)
    refused = "search only reads the document; API calls are made with the execute tool"
    assert value(outcome) == [refused, "words", refused, "operations"]
    assert [call.kind for call in seen] == ["find", "describe"]


async def test_answers_keep_the_order_of_the_questions(run: Run) -> None:
    async def answer(call: ScriptCall) -> CallAnswer:
        for _ in range(7 * int(str(call.arguments["words"])) % 5):
            await asyncio.sleep(0)
        return CallAnswer(is_ok=True, json=json.dumps(call.arguments["words"]).encode())

    code = "async () => await Promise.all(Array.from({ length: 60 }, (_, i) => ovh.find('' + i)))"
    assert value(await run(code, answer)) == [str(number) for number in range(60)]


async def test_one_lookup_too_many_is_refused_in_the_script(run: Run) -> None:
    code = """async () => {
      const all = await Promise.allSettled(Array.from({ length: 1000 }, () => ovh.find('a')));
      const failed = all.filter(each => each.reason);
      return [failed.length, failed[0].reason.code, failed[0].reason.message, await ovh.get('/v1/me')];
    }"""
    outcome = await run(code)
    shown = value(outcome)
    assert isinstance(shown, list)
    failed, code_of, message, answer = shown
    assert failed == 1000 - limits.LOOKUPS_PER_SCRIPT
    assert code_of == "too-many-lookups"
    assert f"looked things up {limits.LOOKUPS_PER_SCRIPT} times" in str(message)
    assert answer == {"method": "GET", "path": "/v1/me"}
    assert (outcome.calls, outcome.lookups) == (1, limits.LOOKUPS_PER_SCRIPT)


async def test_only_so_many_are_under_way_for_one_script_and_for_all(sandbox: Sandbox) -> None:
    api = Held()
    code = "async () => (await Promise.all(Array.from({ length: 30 }, () => ovh.find('a')))).length"
    script = parse_script(code, limit_bytes=1000)
    runs = [sandbox.run(script, api.answer, ScriptLimits(_WAIT_S), client=f"{n}") for n in range(4)]
    assert [value(outcome) for outcome in await asyncio.gather(*runs)] == [30] * 4
    assert api.most_at_once == limits.LOOKUPS_AT_ONCE


async def test_lookups_are_answered_while_all_turns_of_calls_are_taken(sandbox: Sandbox) -> None:
    turns = FairQueue("calls", 1, each=1, waiting=100, waiting_each=100)
    sandbox._turns = replace(sandbox._turns, calls=turns)
    api = Held()
    code = """async () => {
      const calls = Array.from({ length: 25 }, (_, i) => ovh.get('/v1/' + i));
      console.log((await ovh.find('while they wait')).words);
      return (await Promise.all(calls)).length;
    }"""
    script = parse_script(code, limit_bytes=1000)
    running = asyncio.create_task(sandbox.run(script, api.answer, ScriptLimits(_WAIT_S)))
    async with asyncio.timeout(_WAIT_S):
        while not any(call.is_lookup for call in api.calls):
            await asyncio.sleep(0.005)
    assert sum(not call.is_lookup for call in api.calls) <= 1
    api.released.set()
    outcome = await running
    assert value(outcome) == 25
    assert [line.text for line in outcome.logs] == ["while they wait"]


async def test_a_script_that_waits_for_a_lookup_keeps_its_core_and_its_clock_runs(sandbox: Sandbox) -> None:
    begun = asyncio.Event()

    async def never(call: ScriptCall) -> CallAnswer:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    script = parse_script("async () => await ovh.find('a')", limit_bytes=1000)
    running = asyncio.create_task(sandbox.run(script, never, ScriptLimits(0.5, may_call=False), client="c"))
    async with asyncio.timeout(_WAIT_S):
        await begun.wait()
        for _ in range(20):  # the word that it waits has come by then
            await asyncio.sleep(0.005)
    assert sandbox._cores.turns.held_by("c") == 1
    failure = (await running).failure
    assert failure is not None
    assert failure.kind == "timeout"


async def test_a_lookup_under_way_is_given_up_with_its_run(sandbox: Sandbox) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def answer(call: ScriptCall) -> CallAnswer:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    script = parse_script("async () => await ovh.describe('a')", limit_bytes=1000)
    running = asyncio.create_task(sandbox.run(script, answer, ScriptLimits(_WAIT_S, may_call=False)))
    async with asyncio.timeout(_WAIT_S):
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await ended.wait()
    assert not sandbox._turns.lookups._held


async def test_lookups_that_nobody_awaits_end_with_the_script_and_are_noted(run: Run) -> None:
    outcome = await run("async () => { for (let i = 0; i < 9; i++) ovh.find('a'); return 1 }")
    assert value(outcome) == 1
    assert outcome.notes == (
        "the script ended before its calls had: 9 of ovh.find and ovh.describe had no answer. "
        "Await each call, or await Promise.all([...])",
    )


async def test_a_refused_lookup_is_an_ovh_error_with_its_place(run: Run) -> None:
    async def refuse(call: ScriptCall) -> CallAnswer:
        return CallAnswer(is_ok=False, json=b'{"message":"no such thing","code":"invalid-call","hint":"h"}')

    caught = await run(
        "async () => { try { await ovh.find('a') } catch (e) { return [e.name, e.message, e.code, e.hint, e instanceof OvhError] } }",
        refuse,
    )
    assert value(caught) == ["OvhError", "no such thing", "invalid-call", "h", True]
    failure = (await run("async () => {\n  await ovh.find('a');\n}", refuse)).failure
    assert failure is not None
    assert (failure.line, failure.fields) == (
        2,
        {"message": "no such thing", "code": "invalid-call", "hint": "h"},
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ovh.find('a', {}, {})", "ovh.find takes words and one object"),
        ("ovh.describe('a', 'b')", "ovh.describe takes an operation or one array of them"),
        ("ovh.find('x'.repeat(100000))", "the lookup is larger than 65536 bytes"),
        ("ovh.find('é'.repeat(40000))", "the lookup is larger than 65536 bytes"),
        ("ovh.describe(Array(10000).fill('GET /v1/me'))", "the lookup is larger than 65536 bytes"),
        ("ovh.find('a', { limit: NaN })", "options.limit is NaN, which JSON cannot hold"),
        ("ovh.find(ovh.find('a'))", "words is a promise: await it first"),
        ("ovh.find('a', { get limit() { throw new Error('mine') } })", "mine"),
        ("(() => { const o = {}; o.o = o; return ovh.find('a', o) })()", "options.o holds itself"),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_it_leaves(run: Run, call: str, words: str) -> None:
    sent: list[ScriptCall] = []

    async def answer(call: ScriptCall) -> CallAnswer:
        sent.append(call)
        return await echo(call)

    outcome = await run(
        f"async () => {{ try {{ await {call}; return 'asked' }} catch (e) {{ return [e.code, e.message] }} }}",
        answer,
    )
    shown = value(outcome)
    assert isinstance(shown, list), shown
    code, message = shown
    assert code == "invalid-call"
    assert words in str(message)
    assert [call.arguments for call in sent] in ([], [{"words": "a"}])
