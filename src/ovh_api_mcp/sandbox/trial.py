"""The trial of the walls: whether what stands around a script stops what it is there to stop.

Most attempts are made by `sandbox/inside/trial.py`, started as the zygote is. Those that need the
whole sandbox, the kill from outside and a script that still runs, are made here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError, cut_foreign
from ovh_api_mcp.sandbox.inside_process import start_inside
from ovh_api_mcp.sandbox.outcome import CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from ovh_api_mcp.sandbox.walls import Finding, Wall

# One call of native code, which runs for minutes: the engine does not look at the time in it.
_ENDLESS_IN_NATIVE_CODE: Final = "() => 'a'.repeat(2 ** 20).indexOf('a'.repeat(2 ** 18) + 'b')"
_A_SCRIPT: Final = "async () => (await ovh.get('/v1/me')).said + [1, 2, 3].map((n) => n * n)"
_ITS_RESULT: Final = b'"hello1,4,9"'
_TIMEOUT_S: Final = 0.3
_HERE: Final = 2  # attempts of this module

ReportProgress = Callable[[float, float, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came out; `script` says why no script runs behind all walls, "" where one does."""

    findings: tuple[Finding, ...]
    script: str

    @property
    def is_passed(self) -> bool:
        """Tell whether every wall stands and a script runs behind them."""
        failed = any(finding.verdict in {"missing", "broken"} for finding in self.findings)
        return not failed and not self.script


async def try_walls(report: ReportProgress) -> Trial:
    """Try to break each wall, one by one; takes some seconds, at most limits.TRIAL_S and two scripts.

    Raises:
        InternalError: `sandbox-unavailable`: the trial could not be made.
    """
    findings: list[Finding] = []
    total = 0
    async with contextlib.aclosing(_lines_from_inside()) as lines:
        async for line in lines:
            told = msgspec.json.decode(line, type=int | Finding)
            if isinstance(told, int):
                total = told + _HERE
            else:
                findings.append(told)
                await report(len(findings), total, f"{told.wall.value}: {told.tried}")
    if len(findings) + _HERE != total:
        raise _unavailable("the trial ended before its time")
    sandbox = Sandbox()
    try:
        findings.append(_judge_deadline(await _run(sandbox, _ENDLESS_IN_NATIVE_CODE, _TIMEOUT_S)))
        await report(total - 1, total, f"{Wall.DEADLINE.value}: {findings[-1].tried}")
        return Trial(tuple(findings), _judge_script(await _run(sandbox, _A_SCRIPT, limits.SEARCH_TIMEOUT_S)))
    finally:
        await sandbox.aclose()


# --- by a process of its own


async def _lines_from_inside() -> AsyncGenerator[bytes, None]:
    """Yield what the trial's process says, line by line; it is gone afterwards."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        try:
            process = await start_inside("trial", channel=theirs)
        except OSError as error:
            raise _unavailable(f"its process cannot be started: {error.strerror}") from error
        finally:
            theirs.close()
        try:
            async for line in _lines(ours):
                yield line
            async with asyncio.timeout(limits.CHILD_END_S):
                _, words = await process.communicate()
            if process.returncode:
                raise _unavailable(cut_foreign(words.decode(errors="replace").strip().rpartition("\n")[2]))
        except TimeoutError:
            raise _unavailable(f"the trial took more than {limits.TRIAL_S:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


async def _lines(channel: socket.socket) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.TRIAL_S
    rest = b""
    while True:
        async with asyncio.timeout_at(end):
            data = await loop.sock_recv(channel, limits.TRIAL_LINE_BYTES)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line


# --- by the whole sandbox


async def _run(sandbox: Sandbox, code: str, timeout_s: float) -> Outcome:
    async def answer(_: ScriptCall) -> CallAnswer:
        return CallAnswer(is_ok=True, json=b'{"said":"hello"}')

    script = parse_script(code, limit_bytes=limits.CODE_BYTES_DEFAULT)
    return await sandbox.run(script, answer, ScriptLimits(timeout_s))


def _judge_deadline(outcome: Outcome) -> Finding:
    """The same run shows both: it went on behind the engine's limit, and did not go on for ever."""
    tried = "stay in the engine's native code"
    ended = outcome.failure.kind if outcome.failure is not None else "nothing"
    if ended == "timeout" and outcome.wall_s >= _TIMEOUT_S + limits.KILL_MARGIN_S:
        return Finding(Wall.DEADLINE, tried, "SIGKILL", "stands")
    if ended == "timeout":
        return Finding(Wall.DEADLINE, tried, "", "untried", "the engine interrupts this by itself")
    return Finding(Wall.DEADLINE, tried, ended, "broken", "expected a timeout")


def _judge_script(outcome: Outcome) -> str:
    if outcome.failure is not None:
        return outcome.failure.message
    return "" if outcome.result == _ITS_RESULT else "its result is wrong"


def _unavailable(why: str) -> InternalError:
    return InternalError(f"The walls could not be tried: {why}.", code="sandbox-unavailable")
