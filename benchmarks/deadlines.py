"""How long after its limit each sort of endless script is gone, through the sandbox of the server."""

import asyncio
import statistics
import time

from benchmarks.figures import ms, print_table
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script

_LIMIT_S = 1.0
_TIMES = 3
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


async def main() -> None:
    sandbox, rows = Sandbox(), []
    try:
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
        f"Endless scripts with a limit of {_LIMIT_S:g} s: gone so long after it",
        ("what does not end", "median", "worst", "told as"),
        rows,
    )
