"""What recording a write costs: one write and ten together, with the journal and without, and its file."""

import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from mcp import Client, StdioServerParameters

from benchmarks.figures import Sample, call, full_simulator, ms, print_table, ratio, sample, server_command
from ovh_api_mcp.journal.entry import End, Outcome, Write
from ovh_api_mcp.journal.store import FILE_NAME, JournalFile

_TIMES = 60
_ALONE = 2_000
_RECORD = (
    "ovh.post('/v1/domain/zone/example.com/record', { body: { fieldType: 'A', target: '203.0.113.1' } })"
)
_SCRIPTS = {
    "one write": f"async () => (await {_RECORD}).id",
    "ten writes together": f"async () => {{ await Promise.all([{', '.join([_RECORD] * 10)}]); }}",
    "ten writes in turn": f"async () => {{ for (let i = 0; i < 10; i++) await {_RECORD}; }}",
}


async def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        async with full_simulator() as simulator:
            with_journal = _command(simulator.url, home, "--state-dir", str(home / "state"))
            async with (
                Client(with_journal, mode="legacy") as recording,
                Client(_command(simulator.url, home, "--no-journal"), mode="legacy") as plain,
            ):
                for what, code in _SCRIPTS.items():
                    without, told = await _timed(plain, code), await _timed(recording, code)
                    rows.append(
                        (
                            what,
                            ms(without.median_ms),
                            ms(told.median_ms),
                            ratio(told.median_ms, without.median_ms),
                        )
                    )
        begin_ms, end_ms, octets = _alone(home / "alone" / FILE_NAME)
    print_table("Writes, through MCP", ("what", "no journal", "journal", "beside"), rows)
    print_table(
        "The journal's file alone",
        ("what", "each"),
        [
            ("record a write, on the disk when it returns", ms(begin_ms)),
            ("record its end", ms(end_ms)),
            ("bytes of a write with its body and answer", f"{octets:,}"),
        ],
    )


async def _timed(client: Client, code: str) -> Sample:
    await call(client, "execute", code)
    return await sample(_TIMES, partial(call, client, "execute", code), pause_s=0.02)


def _command(url: str, home: Path, *more: str) -> StdioServerParameters:
    command = server_command(url, home / "cache")
    return command.model_copy(update={"args": [*command.args, *more]})


def _alone(path: Path) -> tuple[float, float, int]:
    """Return milliseconds to begin and to end a write, and the bytes that one takes."""
    body = '{"fieldType":"A","target":"203.0.113.1","subDomain":"www","ttl":3600}'
    write = Write(
        "default", "https://eu.api.ovh.com", "POST", "/v1/domain/zone/{zoneName}/record", "/v1/x", body
    )
    with closing(JournalFile(path)) as file:
        begun = time.perf_counter()
        numbers = [file.begin(write) for _ in range(_ALONE)]
        middle = time.perf_counter()
        for number in numbers:
            file.end(number, End(Outcome.ANSWERED, 200, "EU.ext-1.abc", 1, body))
        ended = time.perf_counter()
    return (middle - begun) / _ALONE * 1000, (ended - middle) / _ALONE * 1000, path.stat().st_size // _ALONE
