"""How figures are taken and shown."""

import asyncio
import compileall
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from mcp import Client, StdioServerParameters

from ovh_api_mcp.simulator.simulator import Simulator

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT.parent / "shared" / "ovh-schemas"

README_SEARCH = """\
(spec) => {
  const found = [];
  for (const [path, methods] of Object.entries(spec.paths))
    if (path.includes("/domain/zone"))
      for (const [method, op] of Object.entries(methods))
        found.push({ method: method.toUpperCase(), path, summary: op.summary });
  return found;
}"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Durations of the same thing, in seconds."""

    seconds: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        return statistics.median(self.seconds) * 1000

    @property
    def p95_ms(self) -> float:
        return sorted(self.seconds)[max(0, round(len(self.seconds) * 0.95) - 1)] * 1000


async def sample(times: int, work: Callable[[], Awaitable[object]], *, pause_s: float = 0.0) -> Sample:
    """Time `work` one at a time; `pause_s` lies between two runs, as it does between two calls of a model."""
    seconds = []
    for _ in range(times):
        await asyncio.sleep(pause_s)
        begun = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - begun)
    return Sample(tuple(seconds))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one table in Markdown."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def ms(value: float) -> str:
    return f"{value:,.1f} ms"


def ratio(value: float, baseline: float) -> str:
    return f"{value / baseline:.2f}x"


def compile_bytecode() -> None:
    """Compile our own modules, as an installation does: both sides then start from bytecode."""
    compileall.compile_dir(str(ROOT / "src"), quiet=2)
    compileall.compile_dir(str(ROOT / "benchmarks"), quiet=2)


@asynccontextmanager
async def full_simulator(latency_s: float = 0.0) -> AsyncIterator[Simulator]:
    """A simulated OVH that serves the complete catalogue."""
    simulator = await Simulator.start(schemas=SCHEMAS, latency_s=latency_s)
    try:
        yield simulator
    finally:
        await simulator.aclose()


def server_command(simulator_url: str, cache: Path | None) -> StdioServerParameters:
    """The real server over stdio, with the simulator's practice keys."""
    cache_options = ["--no-cache"] if cache is None else ["--cache-dir", str(cache)]
    return StdioServerParameters(
        command=sys.executable,
        args=[
            "-m",
            "ovh_api_mcp",
            "--transport",
            "stdio",
            "--endpoint",
            simulator_url,
            "--log-level",
            "error",
            *cache_options,
        ],
        env=PRACTICE_KEYS,
    )


PRACTICE_KEYS: dict[str, str] = {}


async def call(client: Client, tool: str, code: str) -> str:
    """Return the text of a tool's answer; an error ends the benchmark."""
    result = await client.call_tool(tool, {"code": code})
    [first, *_] = result.content
    text = getattr(first, "text", "")
    if result.is_error:
        raise SystemExit(f"the benchmark's own script failed: {text}")
    return str(text)


def tree_pss_mb(root: psutil.Process) -> float:
    """The proportional set size of a process and all below it, in MB: shared pages count once."""
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 1e6
