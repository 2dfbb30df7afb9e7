"""What the catalogue costs: building it, opening it, and holding it while a server runs.

Memory is that of the real server over stdio, beside the same with a catalogue of one operation; the
zygote, which holds the document for the scripts, is another process and shown apart.
"""

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import psutil
from mcp import Client, StdioServerParameters

from benchmarks.figures import README_SEARCH, call, full_simulator, ms, print_table, server_command
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.simulator.simulator import Simulator

_BUILDS = 3
_OPENINGS = 21
_SERVERS = 3
_SMALLEST = "(spec) => Object.keys(spec.paths).length"


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        cache = Path(directory)
        async with full_simulator() as simulator:
            out = cache / "full.catalog"
            await _print_builds(simulator, out)
            _print_openings(out)
            async with _tiny_simulator(cache) as tiny:
                await _print_memory(simulator, tiny, cache)


# --- building -----------------------------------------------------------------------------------


async def _print_builds(simulator: Simulator, out: Path) -> None:
    rows = []
    for what, more in (
        ("every schema fetched", ()),
        ("nothing has changed since the last one", ("--previous", str(out))),
    ):
        runs = [await _build(simulator, out, *more) for _ in range(_BUILDS)]
        cpu_s, wall_s, rss_mb = (statistics.median(each) for each in zip(*runs, strict=True))
        rows.append((what, f"{cpu_s:.2f} s", f"{wall_s:.2f} s", f"{rss_mb:.0f} MB"))
    print_table("Building the catalogue of 84 services", ("what", "CPU", "wall", "peak RSS"), rows)
    print(f"\nThe file has {out.stat().st_size / 1e6:.1f} MB.")


async def _build(simulator: Simulator, out: Path, *more: str) -> tuple[float, float, float]:
    """Return CPU and wall time in seconds, and the peak RSS in MB, of the whole process that builds."""
    command = (sys.executable, "-P", "-m", "ovh_api_mcp.cli.build_catalog")
    arguments = (*command, "--endpoint-root", simulator.url, "--out", str(out), *more)
    begun = time.perf_counter()
    with Path(os.devnull).open("r+b") as null:
        actions = [(os.POSIX_SPAWN_DUP2, null.fileno(), 0), (os.POSIX_SPAWN_DUP2, null.fileno(), 1)]
        pid = os.posix_spawn(sys.executable, arguments, {"PATH": os.environ["PATH"]}, file_actions=actions)
    status, usage = await _wait(pid)
    if status != 0:
        raise SystemExit(f"the build ended with status {status}")
    wall_s = time.perf_counter() - begun
    return usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss * 1024 / 1e6


async def _wait(pid: int) -> tuple[int, resource.struct_rusage]:
    """Wait in a thread: the simulator serves in this one."""
    _, status, usage = await asyncio.to_thread(os.wait4, pid, 0)
    return status, usage


# --- opening ------------------------------------------------------------------------------------


def _print_openings(path: Path) -> None:
    opened, verified, routed = [], [], []
    for _ in range(_OPENINGS):
        begun = _now()
        with closing(CatalogFile.open(path)) as file:
            opened.append(_since(begun))
            file.verify()
            verified.append(_since(begun))
            Gatekeeper(file, _send_nothing)
            routed.append(_since(begun))
    rows = [
        ("opened", *_spread(opened)),
        ("and read through once, as a server does in a thread", *_spread(verified)),
        ("and the gate's tree of routes made", *_spread(routed)),
    ]
    columns = ("what, one on top of the other", "CPU, median", "CPU, max", "wall, median", "wall, max")
    print_table("Opening a cached catalogue", columns, rows)


def _now() -> tuple[float, float]:
    return time.thread_time(), time.perf_counter()


def _since(begun: tuple[float, float]) -> tuple[float, float]:
    cpu, wall = _now()
    return (cpu - begun[0]) * 1000, (wall - begun[1]) * 1000


async def _send_nothing(request: ApiRequest) -> ApiResponse:
    raise AssertionError(request)


def _spread(durations: list[tuple[float, float]]) -> tuple[str, ...]:
    kinds = zip(*durations, strict=True)
    return tuple(ms(each) for kind in kinds for each in (statistics.median(kind), max(kind)))


# --- holding ------------------------------------------------------------------------------------


@asynccontextmanager
async def _tiny_simulator(directory: Path) -> AsyncIterator[Simulator]:
    """A simulated API of one operation."""
    schemas = directory / "tiny"
    (schemas / "v1").mkdir(parents=True)
    entry = {"path": "/pot", "schema": "{path}.{format}", "format": ["json"]}
    operation = {"httpMethod": "GET", "responseType": "void", "parameters": [], "noAuthentication": True}
    api = {"path": "/pot", "operations": [{**operation, "apiStatus": {"value": "PRODUCTION"}}]}
    (schemas / "v1" / "index.json").write_text(json.dumps({"apis": [entry]}))
    (schemas / "v1" / "pot.json").write_text(json.dumps({"apis": [api], "models": {}}))
    simulator = await Simulator.start(schemas=schemas)
    try:
        yield simulator
    finally:
        await simulator.aclose()


async def _print_memory(full: Simulator, tiny: Simulator, cache: Path) -> None:
    for simulator in (full, tiny):  # fill the cache
        await _server_mb(server_command(simulator.url, cache), _SMALLEST)
    rows = []
    for what, kept in (("built by this server", None), ("opened from the cache", cache)):
        base = await _median_mb(server_command(tiny.url, kept), _SMALLEST)
        for script, code in (("one small search", _SMALLEST), ("the search of the README", README_SEARCH)):
            server, zygote = await _median_mb(server_command(full.url, kept), code)
            shown = (f"{server:.1f}", f"{base[0]:.1f}", f"{server - base[0]:.1f}", f"{zygote:.1f}")
            rows.append((f"{what}, {script}", *shown))
    columns = ("catalogue", "server, MB", "with one operation, MB", "difference", "zygote and spare, MB")
    print_table("Memory of a server with the complete catalogue (PSS)", columns, rows)


async def _median_mb(command: StdioServerParameters, code: str) -> tuple[float, float]:
    runs = [await _server_mb(command, code) for _ in range(_SERVERS)]
    server, zygote = zip(*runs, strict=True)
    return statistics.median(server), statistics.median(zygote)


async def _server_mb(command: StdioServerParameters, code: str) -> tuple[float, float]:
    """Return the PSS of a server that has answered one search, and of its zygote with its spare, in MB."""
    async with Client(command, mode="legacy") as client:
        await call(client, "search", code)
        [server] = [each for each in psutil.Process().children() if "ovh_api_mcp" in each.cmdline()]
        [zygote] = [each for each in server.children() if any("zygote" in part for part in each.cmdline())]
        return _pss_mb(server), _pss_mb(zygote) + sum(map(_pss_mb, zygote.children()))


def _pss_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6
