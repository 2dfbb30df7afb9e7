"""From the start of the process to the first answers."""

import sys
import tempfile
import time
from pathlib import Path

from mcp import Client, StdioServerParameters

from benchmarks.figures import (
    README_SEARCH,
    Sample,
    call,
    full_simulator,
    ms,
    print_table,
    ratio,
    server_command,
)
from ovh_api_mcp.simulator.simulator import Simulator

_TIMES = 11
_TIMES_WITHOUT_CACHE = 3


async def time_initialize(command: StdioServerParameters) -> float:
    """Seconds from the start of the process to the answer to `initialize`."""
    begun = time.perf_counter()
    async with Client(command, mode="legacy"):
        return time.perf_counter() - begun


async def time_first_search(command: StdioServerParameters) -> float:
    """Seconds from the start of the process to the answer to the search of the README."""
    begun = time.perf_counter()
    async with Client(command, mode="legacy") as client:
        await call(client, "search", README_SEARCH)
        return time.perf_counter() - begun


async def main() -> None:
    empty = StdioServerParameters(command=sys.executable, args=["-m", "benchmarks.empty_server"])
    with tempfile.TemporaryDirectory() as cache:
        async with full_simulator() as simulator:
            hanging = await Simulator.start()
            hanging.faults.add("*", "/", hang=True)
            try:
                await _run(empty, simulator, hanging, Path(cache))
            finally:
                await hanging.aclose()


async def _run(empty: StdioServerParameters, simulator: Simulator, hanging: Simulator, cache: Path) -> None:
    cached, uncached = server_command(simulator.url, cache), server_command(simulator.url, None)
    await time_first_search(cached)  # fills the cache
    baseline, start, first = [], [], []
    for _ in range(_TIMES):  # in turn, so that the machine's moods fall on all alike
        baseline.append(await time_initialize(empty))
        start.append(await time_initialize(server_command(hanging.url, None)))
        first.append(await time_first_search(cached))
    without = [await time_first_search(uncached) for _ in range(_TIMES_WITHOUT_CACHE)]
    base = Sample(tuple(baseline)).median_ms
    rows = [
        ("empty SDK server: spawn to initialize", Sample(tuple(baseline))),
        ("spawn to initialize, no cache, schema host hanging", Sample(tuple(start))),
        ("spawn to first search, with cache", Sample(tuple(first))),
        ("spawn to first search, 84 services fetched and built", Sample(tuple(without))),
    ]
    print_table(
        "Start",
        ("what", "median", "p95", "beside the empty server"),
        [(name, ms(s.median_ms), ms(s.p95_ms), ratio(s.median_ms, base)) for name, s in rows],
    )
