"""How long after its limit each sort of endless script is gone, through the sandbox of the server."""

import asyncio
import statistics
import time

import psutil

from benchmarks.figures import ms, print_table
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script

_LIMIT_S = 1.0
_TIMES = 3
_TIMES_CANCELLED = 10
_ENDLESS = {
    "a loop": "() => { for (;;); }",
    "a chain of microtasks": "async () => { for (;;) await null }",
    "promises that make promises": "() => { const f = () => Promise.resolve().then(f); return f() }",
    "a regular expression": "() => /^(a+)+$/.test('a'.repeat(40) + 'b')",
    "a sort with a comparator": "() => Array.from({ length: 1e6 }, Math.random).sort(() => { for (;;); })",
    "native code: a search in a text": (
        "() => ('a'.repeat(4e6) + 'c').includes('a'.repeat(2e6) + 'b')"  # no interruption in 20 s
    ),
    "a getter of the result": "() => ({ get a() { for (;;); } })",
    "toJSON of the result": "() => ({ toJSON() { for (;;); } })",
    "a Proxy in the result": "() => new Proxy({}, { ownKeys() { for (;;); } })",
    "a thenable": "async () => ({ then() { for (;;); } })",
    "catch and finally": "() => { for (;;) try { for (;;); } catch {} finally { continue } }",
    "a loop of calls": "async () => { for (;;) await ovh.get('/v1/me') }",
    "a call that is not answered": "async () => await ovh.get('/v1/hangs')",
}


async def _answer(call: ScriptCall) -> CallAnswer:
    await asyncio.sleep(60 if call.arguments["path"] == "/v1/hangs" else 0.01)
    return CallAnswer(is_ok=True, json=b"1")


async def _time_cancelled(sandbox: Sandbox) -> float:
    """Seconds from the cancellation of a run to the end of its process."""
    asked = asyncio.Event()

    async def answer(call: ScriptCall) -> CallAnswer:
        asked.set()
        return CallAnswer(is_ok=True, json=b"1")

    script = parse_script("async () => { await ovh.get('/v1/me'); for (;;); }", limit_bytes=1000)
    running = asyncio.create_task(sandbox.run(script, answer, ScriptLimits(timeout_s=60)))
    await asked.wait()
    await asyncio.sleep(0.1)
    family = psutil.Process().children(recursive=True)
    looping = [process for process in family if process.status() == psutil.STATUS_RUNNING]
    begun = time.perf_counter()
    running.cancel()
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in looping):
        await asyncio.sleep(0.001)
    assert looping
    return time.perf_counter() - begun


async def main() -> None:
    sandbox, rows = Sandbox(), []
    try:
        gone_s = [await _time_cancelled(sandbox) for _ in range(_TIMES_CANCELLED)]
        for what, code in _ENDLESS.items():
            script, over_s, kinds = parse_script(code, limit_bytes=1000), [], set[str]()
            for _ in range(_TIMES):
                begun = time.perf_counter()
                outcome = await sandbox.run(script, _answer, ScriptLimits(timeout_s=_LIMIT_S))
                over_s.append(time.perf_counter() - begun - _LIMIT_S)
                kinds.add(outcome.failure.kind if outcome.failure else "returned")
            rows.append((what, ms(statistics.median(over_s) * 1000), ms(max(over_s) * 1000), " ".join(kinds)))
    finally:
        await sandbox.aclose()
    print_table(
        "A script that loops, and whose call is cancelled",
        ("its process is gone after", "median", "worst"),
        [("", ms(statistics.median(gone_s) * 1000), ms(max(gone_s) * 1000))],
    )
    print_table(
        f"Endless scripts with a limit of {_LIMIT_S:g} s: gone so long after it",
        ("what does not end", "median", "worst", "told as"),
        rows,
    )
