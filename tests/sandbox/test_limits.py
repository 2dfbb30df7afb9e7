"""Time, memory and what a script may not reach."""

import asyncio

import pytest

from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall
from tests.sandbox.conftest import Run, value

pytestmark = pytest.mark.anyio

ENDLESS = [
    "() => { for (;;); }",
    "async () => { for (;;); }",
    "async () => { await null; for (;;); }",
    "async () => { for (;;) await null; }",
    "() => /(a+)+$/.test('a'.repeat(40) + 'b')",
    "() => [1, 2, 3].sort(() => { for (;;); })",
    "() => ({ get a() { for (;;); } })",
    "() => ({ toJSON() { for (;;); } })",
    "() => new Proxy({}, { ownKeys() { for (;;); } })",
    "for (;;);",
    "() => { try { for (;;); } catch { return 1 } finally { for (;;); } }",
    "async () => { for (;;) await ovh.get('/v1/me') }",
    "() => { for (;;) JSON.stringify(spec) }",
]


@pytest.mark.promise("limits.time")
@pytest.mark.parametrize("code", ENDLESS)
async def test_a_script_that_never_ends_is_ended_and_the_next_one_runs(run: Run, code: str) -> None:
    async def answer(call: ScriptCall) -> CallAnswer:
        await asyncio.sleep(0.01)
        return CallAnswer(is_ok=True, json=b"1")

    outcome = await run(code, answer, timeout_s=0.5)
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"
    assert "0.5 s" in outcome.failure.message
    assert value(await run("() => 1")) == 1


@pytest.mark.parametrize("code", ["async () => await new Promise(() => {})", "() => ({ then() {} })"])
async def test_a_promise_that_can_never_settle_is_an_error_at_once(run: Run, code: str) -> None:
    failure = (await run(code, timeout_s=60)).failure
    assert failure is not None
    assert failure.kind == "never-settles"
    assert failure.message.endswith(
        "nothing left to run and no API call outstanding: "
        "did you forget to call resolve, or await something that never happens?"
    )


@pytest.mark.promise("limits.memory")
@pytest.mark.parametrize(
    "code",
    [
        "() => { const a = []; for (;;) a.push(new Array(1000).fill(0)) }",
        "() => { let s = 'x'; for (;;) s += s }",
        "() => new ArrayBuffer(100 * 2 ** 20)",
        "() => { const a = []; for (;;) a.push(new Uint8Array(2 ** 20)) }",
        "() => { const m = new Map(); for (let i = 0; ; i++) m.set(i, { i }) }",
        "async () => { const a = []; for (;;) { a.push('x'.repeat(2 ** 20) + a.length); await null } }",
    ],
)
async def test_memory_is_bounded_and_the_next_script_runs(run: Run, code: str) -> None:
    failure = (await run(code, timeout_s=20)).failure
    assert failure is not None
    assert failure.kind in {"memory", "threw"}
    assert "64 MiB" in failure.message or "too long" in failure.message
    assert value(await run("() => 1")) == 1


async def test_cpu_time_has_a_limit_of_its_own(run: Run) -> None:
    failure = (await run("() => {\n  for (;;);\n}", timeout_s=60, cpu_s=0.3)).failure
    assert failure is not None
    assert failure.kind == "cpu-time"
    assert "0.3 s of CPU" in failure.message


@pytest.mark.promise("limits.memory")
async def test_a_stack_without_end_is_an_error(run: Run) -> None:
    failure = (await run("() => { const f = () => f() + 1; return f() }")).failure
    assert failure is not None
    assert failure.kind == "stack"


@pytest.mark.parametrize(
    "name",
    [
        "fetch",
        "require",
        "process",
        "setTimeout",
        "XMLHttpRequest",
        "WebSocket",
        "Deno",
        "std",
        "os",
        "host",
        "token",
    ],
)
async def test_nothing_of_an_outer_world_is_there(run: Run, name: str) -> None:
    assert value(await run(f"() => typeof {name}")) == "undefined"


async def test_import_finds_nothing(run: Run) -> None:
    for module in ("fs", "std", "os", "/etc/passwd", "file:///etc/passwd"):
        failure = (await run(f"async () => Object.keys(await import('{module}'))")).failure
        assert failure is not None


async def test_what_a_script_changes_is_gone_for_the_next(run: Run) -> None:
    await run(
        "() => { globalThis.left = 1; spec.paths = {}; Array.prototype.left = 1; JSON.parse = null; ovh = null }"
    )
    code = "() => [typeof left, Object.keys(spec.paths).length, [].left === undefined, typeof JSON.parse, typeof ovh.get]"
    assert value(await run(code)) == ["undefined", 2, True, "function", "function"]


@pytest.mark.parametrize(
    "spoil",
    [
        "JSON.parse = () => 'forged'; JSON.stringify = () => '\"forged\"'",
        "Array.prototype.push = () => 0; Array.prototype.map = null; Array.prototype.join = () => 'forged'",
        "Promise.prototype.then = function () { return 'forged' }",
        "Promise = null",
        "Object.prototype.toJSON = function () { return 'forged' }; delete Object.prototype.toJSON",
        "Object.defineProperty(Array.prototype, '0', { set() { throw 1 }, get() { return 'forged' } })",
        "Object.defineProperty(Object.prototype, 'head', { get() { return 'forged' } })",
        "Object.defineProperty(Object.prototype, 'body', { get() { return 'forged' }, configurable: true })",
        "String.prototype.slice = () => 'forged'; String.prototype.toWellFormed = () => 'forged'",
        "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => 'forged'",
        "Reflect.apply = () => 'forged'; Object.create = () => 'forged'; Object.keys = () => ['forged']",
        "WeakMap.prototype.get = () => ({ forged: 1 })",
        "Object.defineProperty(Promise.prototype, 'constructor', { get() { throw new Error('forged') } })",
    ],
)
async def test_a_script_that_spoils_the_language_still_gets_true_answers(run: Run, spoil: str) -> None:
    async def answer(call: ScriptCall) -> CallAnswer:
        assert call.arguments == {"method": "GET", "path": "/v1/me"}
        return CallAnswer(is_ok=True, json=b'{"name":"true"}')

    code = f"() => {{ {spoil}; const p = ovh.request({{ method: 'GET', path: '/v1/me' }}); return p }}"
    outcome = await run(code, answer)
    assert outcome.result is None or b"forged" not in outcome.result


async def test_call_sites_do_not_hand_out_the_functions_of_the_prelude(run: Run) -> None:
    code = (
        "() => { let seen = []; Error.prepareStackTrace = (e, sites) => { seen = sites; return sites };"
        " try { ovh.request() } catch {} console.log(new Error('x')); void new Error('y').stack;"
        " return Array.isArray(seen) ? seen.length : 'sites' }"
    )
    assert value(await run(code)) == 0


async def test_cancelling_a_run_kills_its_script(run: Run) -> None:
    started = asyncio.Event()

    async def answer(call: ScriptCall) -> CallAnswer:
        started.set()
        return CallAnswer(is_ok=True, json=b"1")

    running = asyncio.ensure_future(
        run("async () => { await ovh.get('/v1/me'); for (;;); }", answer, timeout_s=60)
    )
    async with asyncio.timeout(10):
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert value(await run("() => 1")) == 1
