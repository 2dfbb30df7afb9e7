"""What the server itself holds while scripts print, return and send as much as they can."""

import asyncio
import tempfile
from pathlib import Path

import psutil
from mcp import Client

from benchmarks.figures import full_simulator, print_table, server_command

_TIMES = 3
_SETTLED_S = 2.0  # freed memory goes back to the system a second later
_LARGE = {
    "nothing much": ("search", "() => 1"),
    "prints 100 MB": (
        "search",
        "() => { for (let i = 0; i < 1e5; i++) console.log('x'.repeat(1000)); return 1 }",
    ),
    "returns a text of 16 MiB": ("search", "() => 'x'.repeat(16 * 1024 * 1024 - 10)"),
    "returns 2 million numbers": ("search", "() => Array(2e6).fill(1)"),
    "sends 10 texts of 4 MB": (
        "execute",
        "async () => { for (let i = 0; i < 10; i++) await ovh.post('/v1/domain/zone/x/record',"
        " { body: { target: 'x'.repeat(4e6) } }).catch(() => 0); return 1 }",
    ),
    "sends 3 lists of 1.9 million numbers": (
        "execute",
        "async () => { for (let i = 0; i < 3; i++) await ovh.post('/v1/domain/zone/x/record',"
        " { body: Array(1.9e6).fill(1) }).catch(() => 0); return 1 }",
    ),
}


async def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        async with (
            full_simulator() as simulator,
            Client(server_command(simulator.url, Path(cache)), mode="legacy") as client,
        ):
            [server] = [p for p in psutil.Process().children() if "ovh_api_mcp" in p.cmdline()]
            for what, (tool, code) in _LARGE.items():
                for number in range(_TIMES):
                    before, peak = await _run(client, server, tool, code)
                    await asyncio.sleep(_SETTLED_S)
                    after = _rss_mb(server)
                    if number == _TIMES - 1:
                        rows.append(
                            (what, f"{before:.0f} MB", f"{peak - before:+.0f}", f"{after - before:+.0f}")
                        )
                simulator.requests.clear()
    print_table(
        f"Memory of the server process (RSS), the {_TIMES}rd run of each in a row",
        ("a script that", "before", "at its peak", "after"),
        rows,
    )


async def _run(client: Client, server: psutil.Process, tool: str, code: str) -> tuple[float, float]:
    """Return what the server held before a call, and at most during it."""
    before = peak = _rss_mb(server)
    running = asyncio.ensure_future(client.call_tool(tool, {"code": code}))
    while not running.done():
        peak = max(peak, _rss_mb(server))
        await asyncio.sleep(0.005)
    await running
    return before, peak


def _rss_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6
