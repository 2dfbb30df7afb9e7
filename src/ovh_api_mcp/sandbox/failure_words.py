"""What is said of each kind of failure of a script: its name, a message, and what to do."""

from __future__ import annotations

from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.sandbox.outcome import FailureKind, ScriptFailure, ScriptLimits


def failure_of(
    kind: FailureKind,
    bounds: ScriptLimits,
    detail: str = "",
    *,
    name: str = "",
    line: int = 0,
    column: int = 0,
    excerpt: str = "",
    fields: JsonObject | None = None,
) -> ScriptFailure:
    """Return the failure of a kind; `detail` is what the child, or the system, said of it."""
    message, hint = _words(kind, detail, bounds)
    return ScriptFailure(kind, name or _NAMES[kind], message, line, column, excerpt, hint, fields)


_NAMES: Final[dict[FailureKind, str]] = {
    "threw": "Error",
    "syntax": "SyntaxError",
    "not-a-function": "NotAFunction",
    "timeout": "TimeoutError",
    "cpu-time": "TimeoutError",
    "memory": "OutOfMemory",
    "stack": "RangeError",
    "never-settles": "NeverSettles",
    "result-too-large": "ResultTooLarge",
    "result-not-json": "ResultNotJson",
    "crashed": "SandboxError",
}


def _words(kind: FailureKind, detail: str, bounds: ScriptLimits) -> tuple[str, str]:
    """Return message and hint of a failure."""
    match kind:
        case "timeout":
            return (
                f"the script was still running after {bounds.timeout_s:g} s, which is the limit",
                "do less in one run: fewer calls, calls in parallel with Promise.all, a narrower loop"
                if bounds.may_call
                else "look for a loop that does not end, or loops within loops over all paths",
            )
        case "memory":
            return (
                f"the script needs more than the {bounds.memory_bytes // limits.MIB} MiB it may have",
                "keep only the fields you need, and handle long lists piece by piece",
            )
        case "stack":
            calls = "the functions of the script call each other without end, or too deep"
            return detail, "" if "brackets" in detail else calls
        case "never-settles":
            return detail, ""
        case "result-too-large":
            return (
                f"the result is larger than {limits.RESULT_BYTES // limits.MIB} MiB of JSON",
                "return only the fields you need, or a slice of the list",
            )
        case "not-a-function":
            return (
                f"the code is {detail or 'something else'}, but it must be a function",
                "send (spec) => … to search, async () => … to execute",
            )
        case "crashed":
            return (
                f"the script could not be run to its end: {detail}",
                "look at what it had sent, then call again",
            )
        case _:
            return detail, ""
