"""One script in one child: compile it, run its jobs, carry its calls, say how it ended.

The engine refuses to call Python while its time limit is set, so nothing in the script calls
out: the guest empties the prelude's queues between jobs.
"""

import json
import re
import resource
import socket
import sys
import time
from collections.abc import Mapping
from typing import Final, NoReturn

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox import frames
from ovh_api_mcp.sandbox.frames import FrameType
from ovh_api_mcp.sandbox.inside.engine import (
    Engine,
    JSError,
    Position,
    first_script_position,
    parse_error_position,
)
from ovh_api_mcp.sandbox.inside.forms import (
    AFTER_AN_EXPRESSION,
    FORMS,
    GLOBAL_STATEMENTS,
    PARSE_ONLY,
    Form,
)

_JOBS_BETWEEN_LOOKS: Final = 64  # at the queues and the clock, for a script that never runs out of jobs
_LONG_NUMBER: Final = re.compile(rb"\d{16}")
_JUST_OUT_OF_TIME_S: Final = 0.05
_LOOKUPS: Final = frozenset({"find", "describe"})


class _NotParsedError(Exception):
    """Where and why code is no JavaScript; lines count with the one before the code."""

    def __init__(self, text: str, at: Position) -> None:
        super().__init__(text)
        self.text = text
        self.at = at

    def place(self) -> tuple[int, int]:
        """Return line and column."""
        return self.at.line, self.at.column


class ScriptEnded(Exception):
    """The script has failed; the fields are those of a FAILURE frame."""

    def __init__(
        self, kind: str, name: str, message: str, position: Position | None = None, fields: object = None
    ) -> None:
        super().__init__(kind)
        at = position or Position(0, 0)
        self.head: dict[str, object] = {
            "kind": kind,
            "name": name,
            "message": message[: limits.SCRIPT_MESSAGE_CHARS],
            "line": at.line,
            "column": at.column,
            "fields": fields,
        }


class Guest:
    """The life of one child behind its walls."""

    def __init__(self, engine: Engine, heap_bytes: int, channel: socket.socket) -> None:
        self._engine = engine
        self._heap_bytes = heap_bytes
        self._channel = channel
        self._reader = frames.FrameReader(frames.TO_CHILD)
        self._inbox: list[tuple[FrameType, bytes]] = []
        self._shift = 0
        self._cpu_s = 0.0
        self._timeout_s = 0.0
        self._cpu_start = 0.0
        self._waited_s = 0.0  # for replies; what the clock of the script stood still is not counted
        self._stood_s = 0.0
        self._replies = 0
        self._memory_bytes = 0
        self._peak_at_start_bytes = 0
        self._may_throw = True
        self._logs_dropped: object = 0

    def serve(self) -> None:
        """Say that the child is ready, wait for the script, run it, tell how it ended."""
        self._send(frames.encode_json(FrameType.READY, {}))
        head, code = frames.split_json(self._receive(FrameType.RUN))
        self._send(frames.encode_json(FrameType.STARTED, {}))
        self._set_limits(head)
        try:
            self._run(code.decode())
            self._send_result()
        except ScriptEnded as end:
            self._send_failure(end)
        except MemoryError:
            self._send_failure(_out_of_memory())

    def _set_limits(self, head: Mapping[str, object]) -> None:
        self._memory_bytes = int(str(head["memory_bytes"]))
        self._peak_at_start_bytes = _peak_bytes()
        self._engine.limit_memory(self._heap_bytes + self._memory_bytes)
        self._timeout_s = float(str(head["timeout_s"]))
        self._cpu_s = float(str(head["cpu_s"]))
        self._cpu_start = time.process_time()

    # --- the run

    def _run(self, code: str) -> None:
        self._may_throw = "throw" in code or "reject" in code
        self._start(code)
        while True:
            self._run_jobs()
            if self._ask("head"):
                return
            if not self._ask("waiting"):
                raise ScriptEnded(
                    "never-settles",
                    "NeverSettles",
                    "the script's promise can never settle: nothing left to run and no API call outstanding: "
                    "did you forget to call resolve, or await something that never happens?",
                )
            self._take_replies()

    def _run_jobs(self) -> None:
        """Run jobs until none is left or the script has ended, with a look at its calls now and then."""
        while True:
            is_idle = not all(self._run_job() for _ in range(_JOBS_BETWEEN_LOOKS))
            has_refused = self._look()
            if (is_idle and not has_refused) or self._ask("head"):
                return

    def _run_job(self) -> bool:
        self._engine.limit_time(self._time_left())
        try:
            return self._engine.run_job()
        except JSError as error:
            raise self._ended_by(error) from None

    def _look(self) -> bool:
        """Send what the script has printed and asked for; tell whether a call was refused here."""
        self._send_logs()
        has_refused = False
        while not self._ask("head") and (call := self._ask("call")):
            has_refused = not self._send_call(*json.loads(str(call))) or has_refused
        return has_refused

    def _send_call(self, call_id: int, kind: str, arguments: str) -> bool:
        """Send a call, or refuse it: the prelude counts characters, a frame bytes."""
        body = arguments.encode()
        if len(body) > (limits.LOOKUP_BYTES if kind in _LOOKUPS else limits.CALL_BYTES):
            self._enter("reply", call_id, False, "", False, "")
            return False
        self._send(frames.encode_json(FrameType.CALL, {"id": call_id, "kind": kind}, body))
        return True

    def _take_replies(self) -> None:
        if not self._inbox:
            self._send(frames.encode_json(FrameType.WAITING, {"replies": self._replies}))
        begun = time.monotonic()
        head, body = frames.split_json(self._receive(FrameType.REPLY))
        self._replies += 1
        stood_s = float(str(head["stood_s"]))
        self._waited_s += max(0.0, time.monotonic() - begun - (stood_s - self._stood_s))
        self._stood_s = stood_s
        text = body.decode(errors="replace")
        has_long = _LONG_NUMBER.search(body) is not None
        self._enter("reply", head["id"], bool(head["ok"]), text, has_long, str(head.get("origin", "")))

    def _time_left(self) -> float:
        left = min(self._cpu_left(), self._wall_left())
        if left <= 0:
            raise self._out_of_time()
        return left

    def _cpu_left(self) -> float:
        return self._cpu_s - (time.process_time() - self._cpu_start)

    def _wall_left(self) -> float:
        """Return what is left of the script's time: it computes, or waits for replies, or is stopped.

        The server, which alone knows for how long it was stopped, ends what this does not.
        """
        return self._timeout_s - self._waited_s - (time.process_time() - self._cpu_start)

    def _out_of_time(self) -> ScriptEnded:
        if self._wall_left() <= _JUST_OUT_OF_TIME_S:
            return ScriptEnded("timeout", "TimeoutError", "the script ran out of time")
        return ScriptEnded(
            "cpu-time",
            "TimeoutError",
            f"the script used {self._cpu_s:g} s of CPU time, which is the limit",
        )

    # --- in and out of the engine

    def _start(self, code: str) -> None:
        """Find out which form the code has, and begin to run it.

        Raises:
            ScriptEnded: `syntax`, or whatever beginning to run it came to.
        """
        furthest: _NotParsedError | None = None
        self._shift = 1
        for form in FORMS:
            text = code.rstrip(AFTER_AN_EXPRESSION) if form.is_expression else code
            try:
                self._parse(PARSE_ONLY, form.twin, text)
                parsed = self._parse("", form.pair, text)
            except _NotParsedError as error:
                furthest = error if furthest is None else max(furthest, error, key=_NotParsedError.place)
            else:
                return self._start_form(form, parsed, code)
        assert furthest is not None
        last_line = code.count("\n") + 1  # where something is missing at the end, the parser stops behind it
        place, message = self._in_script(furthest.at), _message_of(furthest.text)
        if place.line > last_line:
            place, message = Position(last_line, len(code) - code.rfind("\n")), "unexpected end of the code"
        raise ScriptEnded("syntax", "SyntaxError", message, place)

    def _start_form(self, form: Form, parsed: object, code: str) -> None:
        if form is GLOBAL_STATEMENTS:
            self._shift = 0
            self._enter("statements", code)
        else:
            self._enter("expression" if form.is_expression else "function", parsed)

    def _parse(self, first: str, pair: tuple[str, str], code: str) -> object:
        """Return what code between the two of `pair` is; nothing of it runs.

        Raises:
            _NotParsedError: it is no JavaScript.
        """
        try:
            self._engine.limit_time(self._time_left())
            return self._engine.evaluate(f"{first}{pair[0]}\n{code}\n{pair[1]}")
        except JSError as error:
            text = str(error)
            at = parse_error_position(text)
            if at is not None:
                raise _NotParsedError(text, at) from None
            if text.startswith("SyntaxError:"):  # some errors of the parser have no place
                raise _NotParsedError(text, Position(0, 0)) from None
            if text.startswith("RangeError: "):
                raise ScriptEnded(
                    "stack", "RangeError", "the code has too many brackets in each other"
                ) from None
            if not text.startswith("0"):  # no time or memory is left
                raise self._ended_by(error) from None
            return None

    def _enter(self, op: str, *arguments: object) -> object:
        """Enter the prelude where it may run code of the script."""
        self._engine.limit_time(self._time_left())
        try:
            return self._engine.host(op, *arguments)
        except JSError as error:
            raise self._ended_by(error) from None

    def _ask(self, op: str, *arguments: int) -> object:
        """Ask the prelude for something of its own; no code of the script runs."""
        self._engine.limit_time(1.0)
        try:
            return self._engine.host(op, *arguments)
        except JSError as error:
            raise self._ended_by(error) from None

    def _ended_by(self, error: Exception) -> ScriptEnded:
        text = str(error)
        left = min(self._cpu_left(), self._wall_left())
        if text.startswith("InternalError: interrupted") and left <= _JUST_OUT_OF_TIME_S:
            return self._out_of_time()  # without a place: the engine's is that of the function
        name, _, rest = text.partition(":")
        return self._threw(name if rest else "Error", _message_of(text), text, None)

    def _threw(self, name: str, message: str, stack: str, fields: object) -> ScriptEnded:
        at = self._in_script(first_script_position(stack))
        if self._is_shortage(name, message):
            return _out_of_memory(at)
        kind = "stack" if name == "RangeError" and "call stack" in message else "threw"
        return ScriptEnded(kind, name, message, at, fields)

    def _is_shortage(self, name: str, message: str) -> bool:
        """Tell whether an error is the engine's word for too little memory, as far as that can be told.

        It throws null where there is no memory for an error. So may a script, if it throws at all,
        which is believed where it has not grown.
        """
        if message != "null":
            return name == "InternalError" and message.startswith("out of memory")
        has_grown = _peak_bytes() - self._peak_at_start_bytes > self._memory_bytes // 2
        return has_grown or not self._may_throw

    def _in_script(self, position: Position) -> Position:
        if position.line <= self._shift:
            return Position(0, 0)
        return Position(position.line - self._shift, position.column)

    # --- the end

    def _send_result(self) -> None:
        head = json.loads(str(self._ask("head")))
        if "kind" in head:
            raise self._failed(head)
        body = self._take_body(int(str(self._ask("pieces"))))
        head["notes"] += self._unawaited()
        self._send_logs()
        self._send(frames.encode_json(FrameType.RESULT, head, body))

    def _take_body(self, pieces: int) -> bytes:
        """Carry the result out piece by piece: whole, it would have to fit into the script's memory twice."""
        body = bytearray()
        for index in range(pieces):
            piece = self._ask("piece", index)
            if not isinstance(piece, str):
                raise _out_of_memory()
            body += piece.encode()
            if len(body) > limits.RESULT_BYTES:
                raise ScriptEnded("result-too-large", "ResultTooLarge", "")
        return bytes(body)

    def _unawaited(self) -> list[str]:
        waiting, unsent, lookups = json.loads(str(self._ask("unanswered")))
        return [_unawaited_note(waiting, unsent, lookups)] if waiting or unsent or lookups else []

    def _failed(self, head: dict[str, object]) -> ScriptEnded:
        kind = str(head["kind"])
        if kind == "threw":
            return self._threw(str(head["name"]), str(head["message"]), str(head["stack"]), head["fields"])
        return ScriptEnded(kind, str(head["name"]), str(head["message"]))

    def _send_failure(self, end: ScriptEnded) -> None:
        self._engine.limit_memory(0)
        end.head["notes"] = []
        try:
            self._send_logs()
            end.head["notes"] = self._unawaited()
        except ScriptEnded:
            end.head["fields"] = None
        self._send(frames.encode(FrameType.FAILURE, json.dumps(end.head).encode()))

    # --- frames

    def _send_logs(self) -> None:
        lines, dropped = self._ask("logs"), self._ask("dropped")
        if lines or dropped != self._logs_dropped:
            self._logs_dropped = dropped
            self._send(frames.encode(FrameType.LOGS, f'{{"lines":[{lines}],"dropped":{dropped}}}'.encode()))

    def _send(self, frame: bytes) -> None:
        self._channel.sendall(frame)

    def _receive(self, wanted: FrameType) -> bytes:
        while not self._inbox:
            data = self._channel.recv(256 * limits.KIB)
            if not data:
                _end()
            self._inbox.extend(self._reader.feed(data))
        frame_type, payload = self._inbox.pop(0)
        if frame_type is not wanted:
            _end()
        return payload


def _message_of(text: str) -> str:
    """Return the message in the engine's text "Name: message\\n    at …"."""
    head = text.partition("\n    at ")[0].strip()
    name, colon, message = head.partition(": ")
    return message if colon and name.isidentifier() else head


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * limits.KIB


def _out_of_memory(at: Position | None = None) -> ScriptEnded:
    return ScriptEnded("memory", "OutOfMemory", "the script needs more memory than it may have", at)


def _unawaited_note(waiting: int, unsent: int, lookups: int) -> str:
    parts = []
    if waiting:
        parts.append(f"{waiting} API call(s) were still under way")
    if unsent:
        parts.append(f"{unsent} had not been sent, and will not be")
    if lookups:
        parts.append(f"{lookups} of ovh.find and ovh.describe had no answer")
    return (
        f"the script ended before its {'API ' if waiting or unsent else ''}calls had: {'; '.join(parts)}. "
        "Await each call, or await Promise.all([...])"
    )


def _end() -> NoReturn:
    raise SystemExit(0)
