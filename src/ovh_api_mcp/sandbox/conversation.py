"""One script in one child, seen from the server: send it, answer its calls, learn how it ended.

Contract: the child is hostile. It may send any bytes at any time, or nothing: every frame has a
limit, calls and lookups have two each (in flight, in all), the whole conversation has a deadline, and what
breaks the rules ends it. Nothing a child says reaches another script.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import Callable
from typing import Final, get_args

import msgspec

from ovh_api_mcp import limits
from ovh_api_mcp.errors import InternalError, cut_foreign
from ovh_api_mcp.json_value import JsonObject, JsonValue, is_json
from ovh_api_mcp.sandbox import frames
from ovh_api_mcp.sandbox.cores import CoreShare
from ovh_api_mcp.sandbox.failure_words import failure_of
from ovh_api_mcp.sandbox.frames import FrameError, FrameType
from ovh_api_mcp.sandbox.outcome import (
    AnswerCall,
    CallAnswer,
    CallKind,
    FailureKind,
    LogLevel,
    LogLine,
    Outcome,
    ScriptCall,
    ScriptFailure,
    ScriptLimits,
)
from ovh_api_mcp.sandbox.outstanding_calls import OutstandingCalls, TakeOver, Turns
from ovh_api_mcp.sandbox.script import Script
from ovh_api_mcp.sandbox.script_clock import ScriptClock
from ovh_api_mcp.sandbox.zygote_process import Child, Exit

_RECV_BYTES: Final = 256 * limits.KIB
_LEVELS: Final[frozenset[str]] = frozenset(get_args(LogLevel))
_OUT_OF_CPU_TIME: Final = frozenset({signal.SIGPROF, signal.SIGXCPU})  # set in sandbox/inside/confine.py
_KINDS: Final[frozenset[str]] = frozenset(get_args(FailureKind))
_CALL_KINDS: Final[frozenset[str]] = frozenset(get_args(CallKind))


class ChildLostError(Exception):
    """The child went away before it had its script."""


class Conversation:
    """The talk with one child, from its first word to its last.

    `core` is held on entry and given back while the script only waits for the API. `turns` are those
    of all calls of all clients, `end_child` has the child killed and does not wait, `take_over` is
    given the writes that outlive the script.
    """

    def __init__(
        self,
        child: Child,
        script: Script,
        answer_call: AnswerCall,
        bounds: ScriptLimits,
        *,
        client: str,
        core: CoreShare,
        turns: Turns,
        end_child: Callable[[], None],
        take_over: TakeOver,
    ) -> None:
        self._child = child
        self._script = script
        self._bounds = bounds
        self._end_child = end_child
        self._core = core
        self._clock = ScriptClock(bounds.timeout_s + limits.KILL_MARGIN_S)
        self._calls = OutstandingCalls(
            answer_call,
            turns,
            client,
            self._reply,
            take_over,
            self.set_clock,
            self._time_left_s,
            may_call=bounds.may_call,
        )
        self._replies = 0
        self._waited_for = -1
        self._reader = frames.FrameReader(frames.FROM_CHILD)
        self._frames: deque[tuple[FrameType, bytes]] = deque()
        self._fault: FrameError | None = None  # of bytes behind the frames that are still to be taken
        self._writing = asyncio.Lock()
        self._notes: tuple[str, ...] = ()
        self._logs: list[LogLine] = []
        self._log_chars = 0
        self._logs_dropped = 0

    async def wait_ready(self) -> None:
        """Wait until the child stands behind its walls (at most limits.CHILD_START_S).

        Raises:
            ChildLostError: it died or does not answer.
        """
        await self._expect(FrameType.READY)

    async def run(self) -> Outcome:
        """Send the script and return how it ended; the child is dead then, or about to be.

        Raises:
            ChildLostError: the child died before it could begin, so the script may go to another.
        """
        with contextlib.suppress(OSError, TimeoutError):  # a child that is gone shows in _expect
            async with asyncio.timeout(limits.CHILD_START_S):
                await self._send_script()
        await self._expect(FrameType.STARTED)
        result: bytes | None = None
        failure: ScriptFailure | None = None
        try:
            async with self._clock.deadline():
                result = await self._listen()
        except _Failed as end:
            failure = end.failure
        except TimeoutError:
            failure = failure_of("timeout", self._bounds)
        except FrameError as error:
            failure = failure_of("crashed", self._bounds, f"its process broke the protocol ({error})")
        except (EOFError, OSError):
            failure = await self._died()
        except asyncio.CancelledError:
            self._calls.abandon()
            raise
        finally:
            self._end_child()
            self._core.end()
        await self._calls.settle()
        return Outcome(
            result=result,
            failure=failure,
            logs=tuple(self._logs),
            logs_dropped=self._logs_dropped,
            notes=self._notes,
            calls=self._calls.count,
            lookups=self._calls.lookup_count,
            wall_s=self._clock.elapsed_s,
        )

    async def _expect(self, wanted: FrameType) -> None:
        try:
            async with asyncio.timeout(limits.CHILD_START_S):
                frame_type, _ = await self._next_frame()
        except (TimeoutError, FrameError, OSError, EOFError) as error:
            raise ChildLostError from error
        if frame_type is not wanted:
            raise ChildLostError

    # --- what the child says

    async def _listen(self) -> bytes:
        while True:
            frame_type, payload = await self._next_frame()
            if frame_type is FrameType.CALL:
                await self._take_call(payload)
            elif frame_type is FrameType.WAITING:
                self._take_waiting(frames.decode_json(payload))
            elif frame_type is FrameType.LOGS:
                self._take_logs(frames.decode_json(payload))
            elif frame_type is FrameType.RESULT:
                head, result = frames.split_json(payload)
                self._notes = _parse_notes(head)
                return _checked_result(result)
            elif frame_type is FrameType.FAILURE:
                raise _Failed(self._parse_failure(frames.decode_json(payload)))
            else:
                raise FrameError(f"{frame_type.name} out of turn")

    async def _take_call(self, payload: bytes) -> None:
        head, body = frames.split_json(payload)
        call_id = head.get("id")
        if not isinstance(call_id, int):
            raise FrameError("a call without an id")
        await self._calls.take(call_id, _parse_call(head.get("kind"), body), len(payload))

    def _take_waiting(self, head: JsonObject) -> None:
        """Note that the script waits for the API; not where a reply that it has not seen is on its way.

        A lookup is work of this machine: who waits for one keeps the core, so that no more scripts
        look things up than compute.
        """
        seen = _int(head, "replies")
        if not self._waited_for < seen <= self._replies:
            raise FrameError("it waits already, or for what it cannot have seen")
        self._waited_for = seen
        if seen == self._replies and self._calls.has_calls:
            self._core.end()
            self.set_clock()

    def _take_logs(self, head: JsonObject) -> None:
        dropped, lines = _int(head, "dropped"), head.get("lines")
        if not isinstance(lines, list) or (not lines and dropped <= self._logs_dropped):
            raise FrameError("logs without lines")
        self._logs_dropped = dropped
        for level, text in map(_parse_line, lines):
            self._log_chars += len(text) + len(level)
            if self._log_chars > limits.LOGS_BYTES:
                raise FrameError("more console output than a script may make")
            self._logs.append(LogLine(level, text))

    def _parse_failure(self, head: JsonObject) -> ScriptFailure:
        self._notes = _parse_notes(head)
        kind = head.get("kind")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise FrameError("a failure of no known kind")
        failure_kind: FailureKind = kind  # type: ignore[assignment]
        line = _int(head, "line")
        column = self._script.column(line, _int(head, "column"))
        return failure_of(
            failure_kind,
            self._bounds,
            _text(head, "message", limits.SCRIPT_MESSAGE_CHARS),
            name=cut_foreign(_text(head, "name", limits.FOREIGN_TEXT_CHARS)),
            line=line,
            column=column,
            excerpt=self._script.excerpt(line, column),
            fields=_parse_fields(head.get("fields")),
        )

    async def _died(self) -> ScriptFailure:
        how = Exit(0, 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limits.CHILD_END_S):
                how = await asyncio.shield(self._child.exited)
        if self._clock.has_run(self._bounds.timeout_s):  # interrupted at a bad moment, the engine may abort
            return failure_of("timeout", self._bounds)
        if how.signal in _OUT_OF_CPU_TIME:
            used = f"the script used {limits.SCRIPT_CPU_S:g} s of CPU time, which is the limit"
            return failure_of("cpu-time", self._bounds, used)
        return failure_of("crashed", self._bounds, f"its process ended ({_how(how)})")

    async def _next_frame(self) -> tuple[FrameType, bytes]:
        while not self._frames:
            if self._fault is not None:
                raise self._fault
            # Contract: data that is there already comes at once; without a pause a child that sends
            # without end would keep its own deadline, and everybody else, from ever having a turn.
            await asyncio.sleep(0)
            data = await asyncio.get_running_loop().sock_recv(self._child.channel, _RECV_BYTES)
            if not data:
                raise EOFError
            try:
                self._frames.extend(self._reader.feed(data))
            except FrameError as error:
                self._fault = error
        return self._frames.popleft()

    # --- what we say and do

    async def _send_script(self) -> None:
        head: JsonObject = {
            "timeout_s": self._bounds.timeout_s,
            "cpu_s": self._bounds.cpu_s,
            "memory_bytes": self._bounds.memory_bytes,
        }
        frame = frames.encode_json(FrameType.RUN, head, self._script.code.encode())
        await asyncio.get_running_loop().sock_sendall(self._child.channel, frame)

    async def _reply(self, call_id: int, answer: CallAnswer) -> None:
        async with self._writing:
            if not self._core.is_held:  # it waits, or is stopped
                with contextlib.suppress(InternalError):  # better without a core than never
                    await self._core.begin()
            self._replies += 1
            self.set_clock()
            head: dict[str, object] = {"id": call_id, "ok": answer.is_ok, "stood_s": self._clock.stood_s}
            if answer.origin:
                head["origin"] = answer.origin
            frame = frames.encode_json(FrameType.REPLY, head, answer.json)
            with contextlib.suppress(OSError):  # a child that is gone shows in _listen
                await asyncio.get_running_loop().sock_sendall(self._child.channel, frame)

    def _time_left_s(self) -> float:
        return self._bounds.timeout_s - self._clock.run_s

    def set_clock(self) -> None:
        """Let the clock run while the script computes or the API has a call of it, and only then."""
        if self._calls.are_asking:
            self._clock.stop(for_person=True)
            return
        waits = self._core.is_in_turn or self._calls.are_there
        if waits and not self._core.is_held and not self._calls.are_with_api:
            self._clock.stop()
        else:
            self._clock.go_on()


def _parse_call(kind: JsonValue, arguments: bytes) -> ScriptCall:
    """Return the call of a kind in a JSON object; a body is checked to be JSON and left as it is."""
    if kind == "request":
        return _parse_request(arguments)
    if not isinstance(kind, str) or kind not in _CALL_KINDS:
        raise FrameError("a call of no known kind")
    known: CallKind = kind  # type: ignore[assignment]
    return ScriptCall(known, _parse_arguments(arguments))


def _parse_arguments(arguments: bytes) -> JsonObject:
    """Return what is asked for; unlike `json`, msgspec takes no half of a surrogate pair, and no NaN."""
    try:
        value: JsonValue = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise FrameError("a call that is no JSON object")
    return value


def _parse_request(arguments: bytes) -> ScriptCall:
    try:
        options = msgspec.json.decode(arguments, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FrameError("a call that is no JSON object") from None
    body = options.pop("body", None)
    if body is not None and not is_json(bytes(body)):
        raise FrameError("a call whose body is no JSON")
    return ScriptCall(
        "request",
        {name: frames.decode_value(bytes(option)) for name, option in options.items()},
        None if body is None else bytes(body),
    )


class _Failed(Exception):
    def __init__(self, failure: ScriptFailure) -> None:
        super().__init__(failure.kind)
        self.failure = failure


def _checked_result(result: bytes) -> bytes:
    if not is_json(result):
        raise FrameError("a result that is no JSON")
    return result


def _parse_notes(head: JsonObject) -> tuple[str, ...]:
    notes = head.get("notes")
    if not isinstance(notes, list):
        raise FrameError("an end without notes")
    return tuple(cut_foreign(str(note), limits.MESSAGE_CHARS) for note in notes[:16])


def _parse_line(line: JsonValue) -> tuple[LogLevel, str]:
    match line:
        case [str() as level, str() as text] if level in _LEVELS:
            known: LogLevel = level  # type: ignore[assignment]
            return known, _well_formed(text)
    raise FrameError("a log line of no known form")


def _text(head: JsonObject, name: str, limit_chars: int) -> str:
    return _well_formed(str(head.get(name, ""))[:limit_chars])


def _well_formed(text: str) -> str:
    """Return text without halves of surrogate pairs, which an honest child does not send."""
    return text.encode("utf-8", "replace").decode()


def _parse_fields(value: JsonValue) -> JsonObject | None:
    if not isinstance(value, dict):
        return None
    try:
        return value if len(msgspec.json.encode(value)) <= 2 * limits.ERROR_FIELDS_CHARS else None
    except (UnicodeEncodeError, RecursionError):
        return None


def _int(head: JsonObject, name: str) -> int:
    value = head.get(name)
    if not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise FrameError(f"{name} is no count")
    return value


def _how(end: Exit) -> str:
    return f"signal {end.signal}" if end.signal else f"status {end.status}"
