"""The search of the README on the complete catalogue, and what it costs in memory."""

import asyncio
import tempfile
import time
from functools import partial
from pathlib import Path

import _quickjs
import psutil
from mcp import Client

from benchmarks.figures import (
    README_SEARCH,
    Sample,
    call,
    full_simulator,
    ms,
    print_table,
    ratio,
    sample,
    server_command,
    tree_pss_mb,
)
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script

_ROUNDS = 15  # in turn, so that the machine's moods fall on both alike
_SEARCHES = 8  # in each round
_AT_ONCE = 16
_WAIT_S = 3.0
_COMPUTING = README_SEARCH.replace(
    "return found", "for (const end = Date.now() + 1000; Date.now() < end;); return found"
)
_FIND = 'async () => await ovh.find("reboot a vps")'
_DESCRIBE = 'async () => await ovh.describe("POST /v1/vps/{serviceName}/reboot")'
_WAITING = README_SEARCH.replace("(spec)", "async (spec)").replace(
    "return found", "await ovh.get('/v1/auth/time'); return found"
)


def time_baseline(document: str) -> float:
    """Seconds for engine, JSON.parse and the script in one process, anew."""
    begun = time.perf_counter()
    context = _quickjs.Context()
    context.set("text", document)
    context.eval("globalThis.spec = JSON.parse(text)")
    context.eval(f"JSON.stringify(({README_SEARCH})(spec))")
    return time.perf_counter() - begun


async def in_turn(client: Client, document: str) -> tuple[Sample, dict[str, Sample]]:
    """Time the baseline and the searches through MCP, a few of each at a time."""
    baseline: list[float] = []
    searches: dict[str, list[float]] = {README_SEARCH: [], _FIND: [], _DESCRIBE: []}
    for _ in range(_ROUNDS):
        baseline.append(time_baseline(document))
        for code, seconds in searches.items():
            some = await sample(_SEARCHES, partial(call, client, "search", code), pause_s=0.03)
            seconds += some.seconds
    return Sample(tuple(baseline)), {code: Sample(tuple(seconds)) for code, seconds in searches.items()}


async def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        async with (
            full_simulator() as simulator,
            Client(server_command(simulator.url, Path(cache)), mode="legacy") as client,
        ):
            await call(client, "search", README_SEARCH)
            server = _server()
            idle_mb = await _settled_pss(server)
            base, searches = await in_turn(client, _document(Path(cache)))
            alone = await _in_the_sandbox(Path(cache))
            at_once_mb = await _peak_pss(client, server, "search", _COMPUTING)
            simulator.latency_s = _WAIT_S
            waiting_mb = await _peak_pss(client, server, "execute", _WAITING)
    print_table(
        "README search on the complete catalogue, one at a time; through MCP where nothing else is said",
        ("what", "median", "p95", "faster than the baseline"),
        [
            ("engine + JSON.parse + script in one process", ms(base.median_ms), ms(base.p95_ms), "1x"),
            (
                "search, in the sandbox alone",
                ms(alone.median_ms),
                ms(alone.p95_ms),
                ratio(base.median_ms, alone.median_ms),
            ),
            *(
                (what, ms(each.median_ms), ms(each.p95_ms), ratio(base.median_ms, each.median_ms))
                for what, each in (
                    ("search", searches[README_SEARCH]),
                    ("search that asks ovh.find", searches[_FIND]),
                    ("search that asks ovh.describe", searches[_DESCRIBE]),
                )
            ),
        ],
    )
    print_table(
        "Memory of the process tree (PSS)",
        ("what", "MB", "each"),
        [
            ("idle, catalogue loaded", f"{idle_mb:.0f}", ""),
            _more(f"{_AT_ONCE} searches at once that keep computing", at_once_mb, idle_mb),
            _more(
                f"{_AT_ONCE} executes at once that did the search and wait for the API", waiting_mb, idle_mb
            ),
        ],
    )


def _server() -> psutil.Process:
    [server] = [p for p in psutil.Process().children() if "ovh_api_mcp" in p.cmdline()]
    return server


async def _settled_pss(server: psutil.Process) -> float:
    await asyncio.sleep(1.0)
    return tree_pss_mb(server)


def _more(what: str, mb: float, idle_mb: float) -> tuple[str, str, str]:
    return what, f"{mb:.0f}", f"{(mb - idle_mb) / _AT_ONCE:.1f} more"


async def _peak_pss(client: Client, server: psutil.Process, tool: str, code: str) -> float:
    running = [asyncio.ensure_future(call(client, tool, code)) for _ in range(_AT_ONCE)]
    peak = 0.0
    while not all(task.done() for task in running):
        await asyncio.sleep(0.2)
        peak = max(peak, await asyncio.to_thread(tree_pss_mb, server))
    await asyncio.gather(*running)
    return peak


async def _in_the_sandbox(cache: Path) -> Sample:
    """Time the search without server and client around it."""

    async def no_api(call: ScriptCall) -> CallAnswer:
        raise AssertionError(call)

    file = _file(cache)
    sandbox = Sandbox(load_document=file.folded_pieces)
    script, bounds = parse_script(README_SEARCH, limit_bytes=1_000), ScriptLimits(10.0, may_call=False)
    try:
        await sandbox.run(script, no_api, bounds)
        return await sample(_ROUNDS * _SEARCHES, lambda: sandbox.run(script, no_api, bounds), pause_s=0.03)
    finally:
        await sandbox.aclose()
        file.close()


def _document(cache: Path) -> str:
    file = _file(cache)
    try:
        return file.document().decode()
    finally:
        file.close()


def _file(cache: Path) -> CatalogFile:
    [path] = cache.rglob("*.sqlite*") if list(cache.rglob("*.sqlite*")) else cache.rglob("*.db")
    return CatalogFile.open(path)
