"""One execute with one API call, and many with many, beside the API's own latency."""

import asyncio
import tempfile
import time
from pathlib import Path

import httpx2
from mcp import Client

from benchmarks.figures import call, full_simulator, ms, print_table, ratio, sample, server_command

_TIMES = 100
_LATENCY_S = 0.1
_ONE = 'async () => await ovh.request({ method: "GET", path: "/v1/auth/time" })'
_TEN = "async () => (await Promise.all(Array.from({ length: 10 }, () => ovh.get('/v1/auth/time')))).length"
_SCRIPTS_AT_ONCE = 50
_IDEAL_S = _SCRIPTS_AT_ONCE * 10 * _LATENCY_S / 50  # 500 calls, 50 in flight


async def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        async with (
            full_simulator() as simulator,
            httpx2.AsyncClient() as http,
            Client(server_command(simulator.url, Path(cache)), mode="legacy") as client,
        ):
            await call(client, "execute", _ONE)
            direct = await sample(_TIMES, lambda: http.get(f"{simulator.url}/v1/auth/time"), pause_s=0.03)
            through = await sample(_TIMES, lambda: call(client, "execute", _ONE), pause_s=0.03)
        async with (
            full_simulator(latency_s=_LATENCY_S) as slow,
            Client(server_command(slow.url, Path(cache)), mode="legacy") as client,
        ):
            await call(client, "execute", _ONE)
            begun = time.perf_counter()
            await asyncio.gather(*(call(client, "execute", _TEN) for _ in range(_SCRIPTS_AT_ONCE)))
            many_s = time.perf_counter() - begun
    print_table(
        "One execute with one API call, through MCP",
        ("what", "median", "p95"),
        [
            ("the API alone (keep-alive)", ms(direct.median_ms), ms(direct.p95_ms)),
            ("execute with one call", ms(through.median_ms), ms(through.p95_ms)),
            ("over the API's own latency", ms(through.median_ms - direct.median_ms), ""),
        ],
    )
    print_table(
        "50 executes at once, 10 calls of 100 ms each in parallel",
        ("what", "time", "beside the ideal"),
        [
            ("ideal for 50 calls in flight", ms(_IDEAL_S * 1000), "1x"),
            ("measured", ms(many_s * 1000), ratio(many_s, _IDEAL_S)),
        ],
    )
