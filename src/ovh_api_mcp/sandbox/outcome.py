"""What goes into a run of a script and what comes out of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from ovh_api_mcp import limits
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.sandbox.call_room import ROOM_WITHOUT_BOUNDS, CallRoom

LogLevel = Literal["log", "info", "warn", "error", "debug"]
CallKind = Literal["request", "find", "describe", "list", "wait"]
_LOOKUPS: Final = frozenset({"find", "describe"})
_ERRANDS: Final = frozenset({"list", "wait"})
FailureKind = Literal[
    "threw",
    "syntax",
    "not-a-function",
    "timeout",
    "cpu-time",
    "memory",
    "stack",
    "never-settles",
    "result-too-large",
    "result-not-json",
    "crashed",
]


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    """The bounds of one run; the rest is in limits.py."""

    timeout_s: float
    cpu_s: float = limits.SCRIPT_CPU_S
    memory_bytes: int = limits.SCRIPT_MEMORY_BYTES
    may_call: bool = True


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """What a script asks for, unchecked: a request, an errand, or something about the API's operations.

    Of a request, `arguments` is all that was given to `ovh.request` but the body, which stays JSON
    text as the script wrote it: a body may be large, and nothing here has to look into it. None
    stands for no body. Of a lookup they are {"words", "options"} or {"operations"}. An errand (a list,
    or to wait for something) takes several requests, all of which only read; `room` is what the
    script's bounds leave to it.
    """

    kind: CallKind
    arguments: JsonObject
    body: bytes | None = None
    room: CallRoom = field(default=ROOM_WITHOUT_BOUNDS, compare=False, repr=False)

    @property
    def is_lookup(self) -> bool:
        """Tell whether the server answers it by itself, from the catalogue."""
        return self.kind in _LOOKUPS

    @property
    def is_errand(self) -> bool:
        """Tell whether it takes several requests, each with a turn of its own."""
        return self.kind in _ERRANDS

    @property
    def may_change_something(self) -> bool:
        """Tell whether the call is a request, and anything but a GET."""
        method = self.arguments.get("method")
        return self.kind == "request" and not (isinstance(method, str) and method.upper() == "GET")


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """What the script gets: valid JSON text of the value, or of the fields of an OvhError.

    The fields are message, code, status, errorCode, class, queryId, details, hint, remedy,
    mayHaveHappened, attempts, retryAfter (seconds), method, path, and faults and signature of a request
    that does not fit its schema; absent ones are left out. `origin` is the request that gave an object,
    so that it can be waited for ("POST /v1/vps/x/reboot"), or "".
    """

    is_ok: bool
    json: bytes
    origin: str = ""


AnswerCall = Callable[[ScriptCall], Awaitable[CallAnswer]]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One console call."""

    level: LogLevel
    text: str


@dataclass(frozen=True, slots=True)
class ScriptFailure:
    """Why a script has no result.

    `line` and `column` count from 1 in the code as it was given, 0 where unknown; `excerpt` shows
    the place with the lines around it; `fields` holds what an uncaught OvhError carried.
    """

    kind: FailureKind
    name: str
    message: str
    line: int = 0
    column: int = 0
    excerpt: str = ""
    hint: str = ""
    fields: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one run: `result` is JSON text in UTF-8, or None with a `failure`.

    `logs_dropped` counts the console calls beyond limits.LOGS_BYTES; `notes` tells what was
    changed so that the result fits JSON; `calls` counts the API calls, `lookups` the rest; `wall_s` is
    the time from its start to its end, waiting for turns and for writes that it left behind included.
    """

    result: bytes | None
    failure: ScriptFailure | None
    logs: tuple[LogLine, ...]
    logs_dropped: int
    notes: tuple[str, ...]
    calls: int
    wall_s: float
    lookups: int = 0
