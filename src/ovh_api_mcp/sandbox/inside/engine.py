"""The JavaScript engine with the prelude in it: the typed face of `_quickjs`.

`_quickjs` is imported itself, not the `quickjs` package around it: that one starts a thread, and
a process with threads cannot be forked safely.
"""

import json
import os
import re
from typing import Final, Protocol

import _quickjs

from ovh_api_mcp import limits

_PRELUDE_FIRST_LINE: Final = 1 << 22  # beyond any line of a script, so that frames tell whose they are
# Short numbers: a script may write a stack of its own.
_FRAME: Final = re.compile(r"\(<input>:(\d{1,9}):(\d{1,9})\)")
_PARSE_ERROR: Final = re.compile(r"\n    at <input>:(\d{1,9}):(\d{1,9})\s*\Z")

JSError = _quickjs.JSException


class Host(Protocol):
    """`host` of prelude.js without its token."""

    def __call__(self, op: str, *arguments: object) -> object: ...


class Position:
    """A place in a script; both count from 1, and 0 means unknown."""

    __slots__ = ("column", "line")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column


class Engine:
    """One context that holds the prelude and, once given, the document."""

    def __init__(self, *, stack_bytes: int = limits.SCRIPT_STACK_BYTES) -> None:
        self._context = _quickjs.Context()
        self._context.set_max_stack_size(stack_bytes)
        with open(os.path.join(os.path.dirname(__file__), "prelude.js"), encoding="utf-8") as file:  # noqa: PTH118, PTH120, PTH123
            prelude = file.read()
        token = os.urandom(16).hex()
        host = self._context.eval("\n" * _PRELUDE_FIRST_LINE + prelude)(token, json.dumps(_bounds()))
        self.host: Host = lambda op, *arguments: host(token, op, *arguments)

    def load(self, document: str) -> int:
        """Make `document` (JSON text) the global `spec`; return the heap's size in bytes."""
        self.host("document", self._context.parse_json(document))
        self._context.gc()
        return int(self._context.memory()["malloc_size"])

    def limit_memory(self, heap_bytes: int) -> None:
        """Let the heap grow to `heap_bytes` in all."""
        self._context.set_memory_limit(heap_bytes)

    def limit_time(self, seconds: float) -> None:
        """Interrupt the next entry into the engine after `seconds` of CPU time."""
        self._context.set_time_limit(max(seconds, 0.0))

    def evaluate(self, code: str) -> object:
        """Evaluate `code` as a global script; return its completion value, None for null and undefined."""
        return self._context.eval(code)

    def run_job(self) -> bool:
        """Run one pending job; tell whether there was one."""
        return bool(self._context.execute_pending_job())


def parse_error_position(text: str) -> Position | None:
    """Return where the engine's parser stopped, or None when `text` is not an error of the parser."""
    found = _PARSE_ERROR.search(text)
    if not text.startswith("SyntaxError:") or found is None:
        return None
    return Position(int(found[1]), int(found[2]))


def first_script_position(stack: str) -> Position:
    """Return the innermost frame of `stack` that belongs to the script."""
    for line, column in _FRAME.findall(stack):
        if int(line) < _PRELUDE_FIRST_LINE:
            return Position(int(line), int(column))
    return Position(0, 0)


def _bounds() -> dict[str, int | str]:
    return {
        "resultChars": limits.RESULT_BYTES,
        "callBytes": limits.CALL_BYTES,
        "logsChars": limits.LOGS_BYTES,
        "logLineChars": limits.LOG_LINE_CHARS,
        "messageChars": limits.SCRIPT_MESSAGE_CHARS,
        "stackChars": limits.SCRIPT_STACK_CHARS,
        "fieldsChars": limits.ERROR_FIELDS_CHARS,
        "calls": limits.CALLS_PER_SCRIPT,
        "callsInFlight": limits.CALLS_IN_FLIGHT_PER_SCRIPT,
        "lookupBytes": limits.LOOKUP_BYTES,
        "lookups": limits.LOOKUPS_PER_SCRIPT,
        "lookupsInFlight": limits.LOOKUPS_IN_FLIGHT_PER_SCRIPT,
        "resolveDepth": limits.RESOLVE_DEPTH_DEFAULT,
        "unknown": limits.UNKNOWN,
        "resolveDepthMax": limits.RESOLVE_DEPTH_MAX,
        "filterFields": limits.FILTER_FIELDS,
        "resolvedValues": limits.RESOLVED_VALUES,
    }
