"""What the server, the zygote and its children say to each other; no I/O.

A frame is one byte of type, four bytes of length (big-endian) and the payload. A payload is
raw bytes, a JSON object, or a JSON object and raw bytes with a line feed between them.

Every byte from a child is hostile: a reader refuses a frame that is too long for its type or
whose type the other side may not send, before it buffers the payload.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from ovh_api_mcp import limits

if TYPE_CHECKING:  # it needs a library, which the zygote does without
    from ovh_api_mcp.json_value import JsonObject, JsonValue

Payload: TypeAlias = bytes | bytearray | memoryview

SOCKET_FD: Final = 3  # of a child: its only descriptor
_HEADER: Final = struct.Struct("!BI")
_HEAD_BYTES: Final = 64 * limits.KIB  # the JSON object in front of raw bytes


class FrameType(IntEnum):
    """Who sends what; the letters are for a person who reads a dump."""

    DOCUMENT = ord("D")  # server → zygote: a piece of the document; an empty one ends it
    SPAWN = ord("S")  # server → zygote: fork a child for the descriptor that comes along
    KILL = ord("K")  # server → zygote: {"pid": …}
    STOP = ord("Z")  # server → zygote: {"pid": …}
    GO_ON = ord("N")  # server → zygote: {"pid": …}
    LOADED = ord("L")  # zygote → server: {"heap_bytes": …, "wall_faults": […]} as of walls.py
    SPAWNED = ord("P")  # zygote → server: {"pid": …}, in the order of the SPAWNs; pid 0: fork failed
    EXITED = ord("X")  # zygote → server: {"pid": …, "signal": …, "status": …}
    FATAL = ord("F")  # zygote → server: {"message": …}, and the zygote ends

    RUN = ord("R")  # server → child: {"timeout_s": …, …} and the script
    REPLY = ord("A")  # server → child: {"id": …, "ok": …, "stood_s": …} and the JSON text
    READY = ord("Y")  # child → server: {}, the walls stand and the child is warm
    STARTED = ord("B")  # child → server: {}, the script has arrived and may have begun
    CALL = ord("C")  # child → server: {"id": …, "kind": …} and the arguments as JSON text
    WAITING = ord("W")  # child → server: {"replies": …}: nothing left to do but with a reply beyond those
    LOGS = ord("G")  # child → server: {"lines": [[level, text], …], "dropped": …}
    RESULT = ord("O")  # child → server: {"notes": […]} and the JSON text
    FAILURE = ord("E")  # child → server: {"kind": …, "name": …, "message": …, …}


# The longest payload of each type, in bytes.
FROM_ZYGOTE: Final[Mapping[int, int]] = {
    FrameType.LOADED: _HEAD_BYTES,
    FrameType.SPAWNED: _HEAD_BYTES,
    FrameType.EXITED: _HEAD_BYTES,
    FrameType.FATAL: _HEAD_BYTES,
}
FROM_CHILD: Final[Mapping[int, int]] = {
    FrameType.READY: 16,
    FrameType.STARTED: 16,
    FrameType.WAITING: 64,
    FrameType.CALL: limits.CALL_BYTES + _HEAD_BYTES,
    FrameType.LOGS: 8 * limits.LOGS_BYTES,
    FrameType.RESULT: limits.RESULT_BYTES + _HEAD_BYTES,
    FrameType.FAILURE: 4 * _HEAD_BYTES,
}
TO_ZYGOTE: Final[Mapping[int, int]] = {
    FrameType.DOCUMENT: 4 * limits.MIB,
    FrameType.SPAWN: 0,
    FrameType.KILL: _HEAD_BYTES,
    FrameType.STOP: _HEAD_BYTES,
    FrameType.GO_ON: _HEAD_BYTES,
}
TO_CHILD: Final[Mapping[int, int]] = {
    FrameType.RUN: 256 * limits.MIB,  # --max-code-size is the user's to set
    FrameType.REPLY: limits.ANSWER_BYTES + _HEAD_BYTES,
}


class FrameError(Exception):
    """The other side broke the protocol; nothing it says later counts."""


def encode(frame_type: FrameType, payload: Payload = b"") -> bytes:
    """Return one frame."""
    return _HEADER.pack(frame_type, len(payload)) + payload


def encode_json(frame_type: FrameType, head: Mapping[str, object], body: Payload | None = None) -> bytes:
    """Return one frame of a JSON object, followed by a line feed and `body` where one is given."""
    return encode(frame_type, pack_json(head, body))


def pack_json(head: Mapping[str, object], body: Payload | None = None) -> bytes:
    """Return the payload of such a frame."""
    payload = json.dumps(head, separators=(",", ":")).encode()
    return payload if body is None else payload + b"\n" + body


def decode_json(payload: Payload) -> JsonObject:
    """Return the JSON object that is the whole payload.

    Raises:
        FrameError: it is something else.
    """
    value = decode_value(payload)
    if not isinstance(value, dict):
        raise FrameError("payload is no JSON object")
    return value


def decode_value(payload: Payload) -> JsonValue:
    """Return the JSON value that is the whole payload.

    Raises:
        FrameError: it is something else.
    """
    try:
        value: JsonValue = json.loads(bytes(payload))
    except (ValueError, RecursionError) as error:
        raise FrameError(f"payload is no JSON: {type(error).__name__}") from None
    return value


def split_json(payload: Payload) -> tuple[JsonObject, bytes]:
    """Return the JSON object before the first line feed and the bytes behind it.

    Raises:
        FrameError: there is no line feed, or no object before it.
    """
    data = bytes(payload)
    at = data.find(b"\n", 0, _HEAD_BYTES)
    if at < 0:
        raise FrameError("payload has no head")
    return decode_json(data[:at]), data[at + 1 :]


class FrameReader:
    """Cuts a stream of bytes into frames; holds at most one unfinished frame."""

    def __init__(self, allowed: Mapping[int, int]) -> None:
        self._allowed = allowed
        self._buffer = bytearray()

    def feed(self, data: Payload) -> Iterator[tuple[FrameType, bytes]]:
        """Take `data` and give the frames that are complete with it, one by one.

        Raises:
            FrameError: a type that is not allowed, or a payload longer than its type may be.
        """
        self._buffer += data
        while True:
            size = self._next_size()
            if size is None or len(self._buffer) < size:
                return
            frame_type = FrameType(self._buffer[0])
            payload = bytes(memoryview(self._buffer)[_HEADER.size : size])
            del self._buffer[:size]
            yield frame_type, payload

    def _next_size(self) -> int | None:
        if len(self._buffer) < _HEADER.size:
            return None
        frame_type, length = _HEADER.unpack_from(self._buffer)
        limit = self._allowed.get(frame_type)
        if limit is None:
            raise FrameError(f"frame type {frame_type} is not allowed here")
        if length > limit:
            raise FrameError(f"frame {FrameType(frame_type).name} has {length} bytes, {limit} are allowed")
        return int(_HEADER.size + length)
