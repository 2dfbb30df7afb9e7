"""What one client notices of the others: its searches and calls, alone and beside loops and floods."""

import asyncio
import contextlib
import logging
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import Client

from benchmarks.figures import (
    PRACTICE_KEYS,
    README_SEARCH,
    Sample,
    call,
    full_simulator,
    ms,
    print_table,
    ratio,
    sample,
)

_TIMES = 60
_LATENCY_S = 0.02
_CALL = 'async () => await ovh.request({ method: "GET", path: "/v1/auth/time" })'
_LOOP = "() => { for (;;); }"
_CALLS = (
    "async () => { for (;;) await Promise.all(Array.from({ length: 10 }, () => ovh.get('/v1/auth/time'))) }"
)
# What the other client does all the while: tool and code, and how many at a time.
_OTHERS: dict[str, Sequence[tuple[str, str, int]]] = {
    "alone": (),
    "another client: one looping script": (("search", _LOOP, 1),),
    "another client: 20 looping searches": (("search", _LOOP, 20),),
    "another client: 40 executes, 10 calls each at a time": (("execute", _CALLS, 40),),
    "another client: both": (("search", _LOOP, 20), ("execute", _CALLS, 40)),
}


async def main() -> None:
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # it complains of calls that are given up
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as cache:
        async with (
            full_simulator(latency_s=_LATENCY_S) as simulator,
            _server(simulator.url, Path(cache)) as url,
            Client(url, mode="legacy") as client,
        ):
            await call(client, "search", README_SEARCH)
            alone: tuple[Sample, Sample] | None = None
            for what, others in _OTHERS.items():
                async with Client(url, mode="legacy") as other, _busy(other, others):
                    searches = await sample(
                        _TIMES, lambda: call(client, "search", README_SEARCH), pause_s=0.03
                    )
                    calls = await sample(_TIMES, lambda: call(client, "execute", _CALL), pause_s=0.03)
                alone = alone or (searches, calls)
                rows.append((what, *_columns(searches, alone[0]), *_columns(calls, alone[1])))
    print_table(
        "One client's searches and calls (20 ms each at the API) beside another client, over HTTP",
        ("beside", "search, median", "p95", "beside alone", "call, median", "p95", "beside alone"),
        rows,
    )


async def _sample(client: Client, tool: str, code: str) -> Sample:
    return await sample(_TIMES, lambda: call(client, tool, code), pause_s=0.03)


def _columns(figures: Sample, alone: Sample) -> tuple[str, str, str]:
    return ms(figures.median_ms), ms(figures.p95_ms), ratio(figures.p95_ms, alone.p95_ms)


@asynccontextmanager
async def _busy(client: Client, others: Sequence[tuple[str, str, int]]) -> AsyncIterator[None]:
    """Keep so many scripts of each sort running, one after the other."""

    async def again(tool: str, code: str) -> None:
        while True:
            await client.call_tool(tool, {"code": code})

    tasks = [asyncio.create_task(again(tool, code)) for tool, code, count in others for _ in range(count)]
    await asyncio.sleep(1.0 if tasks else 0.0)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _server(simulator_url: str, cache: Path) -> AsyncIterator[str]:
    command = ("-m", "ovh_api_mcp", "--port", "0", "--endpoint", simulator_url, "--cache-dir", str(cache))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=PRACTICE_KEYS, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            while not (found := re.search(rb"url=(\S+)", await process.stderr.readline())):
                pass
        reading = asyncio.create_task(process.stderr.read())
        yield found[1].decode()
        reading.cancel()
    finally:
        process.terminate()
        await process.wait()
