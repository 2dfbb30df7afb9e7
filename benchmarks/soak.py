"""Ten thousand scripts of all sorts through one server: what it holds after them, and what it held before."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from mcp import Client

from benchmarks.figures import README_SEARCH, full_simulator, print_table, server_command, tree_pss_mb
from ovh_api_mcp.simulator.simulator import Simulator

_SCRIPTS = int(os.environ.get("SOAK_SCRIPTS", "10000"))
_LOOK_EVERY = _SCRIPTS // 10
_AT_ONCE = 4
_CANCEL_AFTER_S = 0.2
_KILL_EVERY = 97  # a child is killed from outside after as many scripts

# tool, code, whether it is an error; None: the call is cancelled
_MIX: tuple[tuple[str, str, bool | None], ...] = (
    ("search", README_SEARCH, False),
    ("search", "(spec) => spec.paths['/v1/domain/zone'].get.parameters", False),
    ("execute", "async () => await ovh.request({ method: 'GET', path: '/v1/domain/zone' })", False),
    (
        "execute",
        "async () => (await Promise.all(Array.from({ length: 20 }, () => ovh.get('/v1/auth/time')))).length",
        False,
    ),
    ("search", "(spec) => { spec.paths = {}; Object.prototype.x = 1; throw new Error('no') }", True),
    ("search", "(spec) => { for (let i = 0; i < 2000; i++) console.log('x'.repeat(200)); return 1 }", False),
    ("execute", "async () => { await ovh.post('/v1/domain/zone/no.example/refresh'); }", True),
    ("search", "() => 'x'.repeat(2_000_000)", False),
    ("search", "() => { const all = []; for (;;) all.push(new Array(10000).fill(1)) }", True),
    ("search", "() => new Promise(() => {})", True),
    ("execute", "this is no javascript", True),
    ("search", "() => { const f = () => f() + 1; return f() }", True),
    ("search", "() => { for (;;); }", None),
    ("execute", "async () => { for (;;) await ovh.get('/v1/auth/time') }", None),
    ("search", "(spec) => Object.values(spec.components.schemas).length", False),
    ("execute", "async () => { ovh.get('/v1/me'); return 1 }", False),
)


@dataclass(frozen=True, slots=True)
class Held:
    """What the server and all below it hold."""

    scripts: int
    pss_mb: float
    processes: int
    descriptors: int


async def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        async with (
            full_simulator() as simulator,
            Client(server_command(simulator.url, Path(cache)), mode="legacy") as client,
        ):
            [server] = [p for p in psutil.Process().children() if "ovh_api_mcp" in p.cmdline()]
            begun = time.perf_counter()
            held, ends = await _soak(client, simulator, server)
            took_s = time.perf_counter() - begun
    print_table(
        f"Soak: {_SCRIPTS:,} scripts of {len(_MIX)} sorts, {_AT_ONCE} at a time, in {took_s:.0f} s",
        ("after scripts", "PSS of the process tree", "processes", "descriptors"),
        [(f"{h.scripts:,}", f"{h.pss_mb:.1f} MB", str(h.processes), str(h.descriptors)) for h in held],
    )
    first, last = held[0], held[-1]
    grown = (last.pss_mb / first.pss_mb - 1) * 100
    print(f"\nFrom the first look to the last: PSS {grown:+.1f} %.")
    print("Ends: " + ", ".join(f"{count:,} {end}" for end, count in ends.most_common()) + ".")


async def _soak(
    client: Client, simulator: Simulator, server: psutil.Process
) -> tuple[list[Held], Counter[str]]:
    ends, held = Counter[str](), list[Held]()

    async def work(numbers: Iterator[int]) -> None:
        for number in numbers:
            ends[await _run(client, server, number)] += 1
            simulator.requests.clear()

    for upto in range(_LOOK_EVERY, _SCRIPTS + 1, _LOOK_EVERY):
        numbers = iter(range(upto - _LOOK_EVERY, upto))
        await asyncio.gather(*(work(numbers) for _ in range(_AT_ONCE)))
        held.append(await _look(server, upto))
        print(f"  {upto:,} of {_SCRIPTS:,}: {held[-1].pss_mb:.1f} MB", file=sys.stderr, flush=True)
    return held, ends


async def _run(client: Client, server: psutil.Process, number: int) -> str:
    tool, code, is_error = _MIX[number % len(_MIX)]
    if number % _KILL_EVERY == 0:
        _kill_a_child(server)
    try:
        async with asyncio.timeout(_CANCEL_AFTER_S if is_error is None else 60):
            result = await client.call_tool(tool, {"code": code})
    except TimeoutError:
        if is_error is not None:
            raise
        return "cancelled"
    if "its process ended" in str(result.content):
        return "killed"
    if is_error is not None and bool(result.is_error) is not is_error:
        raise SystemExit(f"the soak's own script went wrong: {code}: {result.content}")
    return "failed" if result.is_error else "returned"


def _kill_a_child(server: psutil.Process) -> None:
    for child in server.children():
        for grandchild in child.children():
            with contextlib.suppress(ProcessLookupError):  # it had ended by itself
                os.kill(grandchild.pid, signal.SIGKILL)
            return


async def _look(server: psutil.Process, scripts: int) -> Held:
    await asyncio.sleep(1.0)
    family = [server, *server.children(recursive=True)]
    return Held(scripts, tree_pss_mb(server), len(family), sum(process.num_fds() for process in family))
