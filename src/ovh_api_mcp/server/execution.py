"""One run of a script, told from top to bottom.

    the code is a script → the catalogue is there → it runs in the sandbox → its calls go through
    the gate → what it returns is fitted to its budget

Every end of a run is a ToolAnswer, whatever went wrong. Only cancellation goes on upwards; on its
way it kills the script.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Final

import anyio
import anyio.to_thread

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError, OvhMcpError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.sandbox.outcome import CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.answers import (
    ToolAnswer,
    bug,
    call_answer,
    error_answer,
    failed_call_answer,
    fitted_answer,
)

_log = logging.getLogger(__name__)

ReportProgress = Callable[[float, float, str], Awaitable[None]]
"""Told how much is done, of how much (0: unknown), and what is going on."""


class Tool(StrEnum):
    """The tools, in the order in which clients list them."""

    SEARCH = "search"
    EXECUTE = "execute"


_BOUNDS: Final[Mapping[Tool, ScriptLimits]] = {
    Tool.SEARCH: ScriptLimits(timeout_s=limits.SEARCH_TIMEOUT_S, may_call=False),
    Tool.EXECUTE: ScriptLimits(timeout_s=limits.EXECUTE_TIMEOUT_S),
}

_FITTED_AT_ONCE_BYTES: Final = 256 * limits.KIB


class Execution:
    """Runs the scripts of both tools.

    `wait_gate` waits for the catalogue and returns the gate to it, once the sandbox has been given
    the same catalogue's document.
    """

    def __init__(
        self,
        *,
        wait_gate: Callable[[ReportProgress], Awaitable[Gatekeeper]],
        sandbox: Sandbox,
        redactor: Redactor,
        limit_code_bytes: int,
        limit_result_tokens: int,
    ) -> None:
        self._wait_gate = wait_gate
        self._sandbox = sandbox
        self._redactor = redactor
        self._limit_code_bytes = limit_code_bytes
        self._limit_result_chars = limit_result_tokens * limits.CHARS_PER_TOKEN

    async def run(self, tool: Tool, code: str, report: ReportProgress) -> ToolAnswer:
        """Return what the script `code` comes to; `report` hears of a catalogue that is being built."""
        try:
            answer = await self._run(tool, code, report)
        except OvhMcpError as error:
            answer = error_answer(error)
        except Exception:  # noqa: BLE001  # the outermost handler: further up it would tell a model nothing
            answer = error_answer(_logged_bug(tool))
        return answer.redacted(self._redactor)

    async def _run(self, tool: Tool, code: str, report: ReportProgress) -> ToolAnswer:
        script = parse_script(code, limit_bytes=self._limit_code_bytes)
        gate = await self._wait_gate(report)

        async def answer_call(call: ScriptCall) -> CallAnswer:
            return await self._answer_call(gate, call)

        outcome = await self._sandbox.run(script, answer_call, _BOUNDS[tool])
        _log_end(tool, outcome)
        return await self._fit(outcome)

    async def _answer_call(self, gate: Gatekeeper, call: ScriptCall) -> CallAnswer:
        try:
            response = await gate.request(call.arguments)
        except OvhMcpError as error:
            return failed_call_answer(error, call, self._redactor)
        except Exception:  # noqa: BLE001  # a bug in one call must not take the script with it
            return failed_call_answer(_logged_bug(Tool.EXECUTE), call, self._redactor)
        return call_answer(response, self._redactor)

    async def _fit(self, outcome: Outcome) -> ToolAnswer:
        fit = partial(fitted_answer, outcome, self._redactor, budget_chars=self._limit_result_chars)
        if outcome.result is None or len(outcome.result) < _FITTED_AT_ONCE_BYTES:
            return fit()
        return await anyio.to_thread.run_sync(fit)  # a large one may take a second


def _logged_bug(tool: Tool) -> InternalError:
    """Log the exception that is being handled, and return what may be said of it."""
    reference = secrets.token_hex(4)
    _log.exception("event=bug reference=%s tool=%s", reference, tool)
    return bug(reference)


def _log_end(tool: Tool, outcome: Outcome) -> None:
    _log.info(
        "event=run tool=%s end=%s calls=%d wall_ms=%d",
        tool,
        outcome.failure.kind if outcome.failure else "returned",
        outcome.calls,
        outcome.wall_s * 1000,
    )
