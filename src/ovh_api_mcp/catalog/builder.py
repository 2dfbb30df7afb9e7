"""The server's end of the process that builds a catalogue: start it, hear it, end it.

A build in the server itself would leave tens of megabytes behind; a process gives all of it back.
Invariants: the child sees the given environment and nothing else; its stdin is a pipe that only
the server holds, so it ends when the server does, and no key pressed in the server's terminal
reaches it; when `run_builder` returns or raises, the child is gone and reaped.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ovh_api_mcp.catalog.build_report import parse_line
from ovh_api_mcp.catalog.model import BuildProgress
from ovh_api_mcp.errors import CatalogError, cut_foreign
from ovh_api_mcp.limits import BUILD_REPORT_LINE_BYTES, GRACE_S

# Contract: -P keeps the current directory out of the import path: a module lying there, in a cloned
# repository say, would run in the place of ours.
BUILDER: Final = (sys.executable, "-P", "-m", "ovh_api_mcp.cli.build_catalog")


def builder_arguments(
    *, endpoint_root: str, selection: Sequence[str], out: Path, previous: Path, risk_rules: str = ""
) -> tuple[str, ...]:
    """Return what the builder is told: what to build, where, and whose copies may stand in.

    A user's rules are given as their text, which is what was checked; their file may change meanwhile.
    """
    return (
        *("--endpoint-root", endpoint_root),
        *("--services", ",".join(selection)),
        *("--out", str(out)),
        *("--previous", str(previous)),
        *(("--risk-rules", risk_rules) if risk_rules else ()),
    )


async def run_builder(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    on_progress: Callable[[BuildProgress], None],
    timeout_s: float,
) -> None:
    """Run a build to its end; raises CatalogError where it fails, dies or takes longer than `timeout_s`.

    What the child writes to stderr goes to the server's.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            env=dict(environment),
            limit=BUILD_REPORT_LINE_BYTES,
            start_new_session=True,  # Ctrl+C is for the server, which ends the build in order
        )
    except OSError as error:
        raise _unavailable(f"Its process cannot be started: {error.strerror or error}.") from error
    try:
        async with asyncio.timeout(timeout_s):
            failure = await _hear(process, on_progress)
            status = await process.wait()
    except TimeoutError as error:
        raise _unavailable(f"It took more than {timeout_s:.0f} s.") from error
    finally:
        await _end(process)
    if failure is not None:
        raise failure
    if status != 0:
        raise _unavailable(f"Its process {_ending(status)}.")


async def _hear(process: Process, on_progress: Callable[[BuildProgress], None]) -> CatalogError | None:
    """Read what the child says until it closes its stdout; return why it failed, if it says so."""
    assert process.stdout is not None
    failure = None
    try:
        async for line in process.stdout:
            said = parse_line(line)
            if isinstance(said, CatalogError):
                failure = said
            else:
                on_progress(said)
    except ValueError as error:
        raise _unavailable(f"Its process said what is no report: {cut_foreign(str(error))}.") from error
    return failure


async def _end(process: Process) -> None:
    """See to it that the child is gone: ask, wait, kill; also when this task is cancelled meanwhile."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(GRACE_S):
            await _wait_gone(process)
    except (TimeoutError, ProcessLookupError):
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(_wait_gone(process))


async def _wait_gone(process: Process) -> None:
    """Wait for the child's end; what it still says is thrown away, for asyncio waits for its pipes too."""
    assert process.stdout is not None
    while await process.stdout.read(BUILD_REPORT_LINE_BYTES):
        pass
    await process.wait()


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _unavailable(reason: str) -> CatalogError:
    return CatalogError(f"The catalogue could not be built. {reason}", code="catalog-unavailable")
