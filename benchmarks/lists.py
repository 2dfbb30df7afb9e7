"""ovh.list beside the README's sequential script, where the API expands a list and where it does not."""

import tempfile
import time
from pathlib import Path

from mcp import Client

from benchmarks.figures import call, full_simulator, ms, print_table, ratio, server_command

_ZONE = "/v1/domain/zone/example.com/record"
_TEMPLATE = "/v1/domain/zone/{zoneName}/record"
_LATENCIES_S = (0.02, 0.08)
_COUNTS = (10, 100, 300)  # the sequential script has 30 s
_LONG = (500, 1_000, 5_000)
_SEQUENTIAL = f"""\
async () => {{
  const ids = await ovh.request({{ method: "GET", path: "{_ZONE}" }});
  const records = [];
  for (const id of ids)
    records.push(await ovh.request({{ method: "GET", path: `{_ZONE}/${{id}}` }}));
  return records.length;
}}"""
_LIST = f"async () => (await ovh.list('{_ZONE}', {{ expand: true }})).length"


async def main() -> None:
    rows: list[tuple[str, ...]] = []
    for latency_s in _LATENCIES_S:
        with tempfile.TemporaryDirectory() as cache:
            async with (
                full_simulator(latency_s) as simulator,
                Client(server_command(simulator.url, Path(cache)), mode="legacy") as client,
            ):
                fill = simulator.resources.fill
                await call(client, "execute", "async () => 1")
                for count in (*_COUNTS, *_LONG):
                    fill(_ZONE, count)
                    simulator.resources.not_expanded.clear()
                    sequential_s = await _time(client, _SEQUENTIAL, count) if count in _COUNTS else None
                    before = len(simulator.requests)
                    expanded_s = await _time(client, _LIST, count)
                    requests = len(simulator.requests) - before
                    rows.append(_row(latency_s, count, "expanded", expanded_s, sequential_s, requests))
                simulator.resources.not_expanded.add(_TEMPLATE)
                for count in (*_COUNTS, *_LONG):
                    fill(_ZONE, count)
                    before = len(simulator.requests)
                    begun = time.perf_counter()
                    read = await call(client, "execute", _LIST)
                    one_by_one_s = time.perf_counter() - begun
                    requests = len(simulator.requests) - before
                    what = "one by one" if read == str(count) else f"one by one, ended after {read}"
                    ideal_s = int(read) * latency_s / 10
                    rows.append(_row(latency_s, count, what, one_by_one_s, None, requests, ideal_s))
    print_table(
        "ovh.list of DNS records, through MCP",
        (
            "latency",
            "records",
            "how",
            "ovh.list",
            "requests",
            "beside the sequential script",
            "beside latency x items / 10",
        ),
        rows,
    )


async def _time(client: Client, script: str, count: int) -> float:
    begun = time.perf_counter()
    read = await call(client, "execute", script)
    if read != str(count):
        raise SystemExit(f"{read} records instead of {count}")
    return time.perf_counter() - begun


def _row(
    latency_s: float,
    count: int,
    how: str,
    took_s: float,
    sequential_s: float | None,
    requests: int,
    ideal_s: float | None = None,
) -> tuple[str, ...]:
    return (
        f"{latency_s * 1000:.0f} ms",
        f"{count:,}",
        how,
        ms(took_s * 1000),
        f"{requests:,}",
        f"{sequential_s / took_s:.1f}x faster ({ms(sequential_s * 1000)})" if sequential_s else "",
        ratio(took_s, ideal_s) if ideal_s else "",
    )
