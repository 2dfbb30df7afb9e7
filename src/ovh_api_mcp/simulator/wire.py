"""The simulator as an ASGI application: records requests, waits, breaks what faults break, sends answers."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ovh_api_mcp.limits import SIMULATOR_BODY_BYTES, SIMULATOR_KEPT
from ovh_api_mcp.simulator.answers import Answer, No
from ovh_api_mcp.simulator.api import SimulatedApi
from ovh_api_mcp.simulator.faults import Fault, FaultBoard
from ovh_api_mcp.simulator.rate import RateLimit
from ovh_api_mcp.simulator.recording import RecordedRequest

CONTROL_PATH = "/_simulator"


class Control(Protocol):
    """Answers the requests that are about the simulator itself."""

    async def answer(self, request: RecordedRequest) -> Answer:
        """Answer a request; nothing of it is recorded, and no fault befalls it."""
        ...


TRANSPORT = "transport"  # key of the connection's asyncio transport in the ASGI scope's state
_PIECE = b"x" * 65_536
_SLOW_PIECES = 10


class Wire:
    """Between the HTTP server and the simulated API.

    A wait ends when the client goes away, and closing the simulator ends every connection: nothing
    here outlives it.
    """

    def __init__(self, api: SimulatedApi, faults: FaultBoard) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=SIMULATOR_KEPT)
        self.latency_s = 0.0
        self.on_request: Callable[[RecordedRequest], None] | None = None
        self.rate: RateLimit | None = None
        self.control: Control | None = None
        self._api = api
        self._faults = faults
        self._query_ids = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request, is_whole = await _read(scope, receive)
        except ClientDisconnect:
            return
        if self.control is not None and f"{request.raw_path}/".startswith(f"{CONTROL_PATH}/"):
            answer = await self.control.answer(request) if is_whole else _too_large()
            await _to_response(answer)(scope, receive, send)
            return
        arrived = time.monotonic()
        self.requests.append(request)
        fault = self._faults.take(request.method, request.raw_path)
        try:
            if await self._is_kept_waiting(fault, receive):
                return
            await self._answer(request, fault, scope, receive, send, is_whole=is_whole)
        finally:
            request.duration_s = time.monotonic() - arrived
            if self.on_request is not None:
                self.on_request(request)

    async def _is_kept_waiting(self, fault: Fault | None, receive: Receive) -> bool:
        """Wait as long as latency and fault say; True when the client is gone afterwards."""
        if fault is not None and fault.hang:
            await _wait_disconnect(receive)
            return True
        delay_s = self.latency_s + (fault.delay_s if fault else 0.0)
        if delay_s <= 0:
            return False
        try:
            async with asyncio.timeout(delay_s):
                await _wait_disconnect(receive)
        except TimeoutError:
            return False
        return True

    async def _answer(
        self,
        request: RecordedRequest,
        fault: Fault | None,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        is_whole: bool,
    ) -> None:
        right = await self._process(request) if fault is not None and fault.late and is_whole else None
        if fault is not None and fault.drop:
            await _end_connection(scope, receive)
            return
        answer = (fault.answer() if fault else None) or right
        if answer is None:
            answer = await self._process(request) if is_whole else _too_large()
        response = self._to_response(answer, fault, is_whole=is_whole)
        if fault is not None and fault.cut:
            await _send_half(response, scope, receive, send)
            return
        request.status = answer.status
        if fault is not None and fault.spread_s:
            await _send_slowly(response, fault.spread_s, receive, send)
            return
        await response(scope, receive, send)

    async def _process(self, request: RecordedRequest) -> Answer:
        refused = self.rate.refuse(request) if self.rate is not None else None
        answer = refused or await self._api.answer(request)
        request.was_processed = answer.status < 400
        return answer

    def _to_response(self, answer: Answer, fault: Fault | None, *, is_whole: bool) -> Response:
        headers = {"X-OVH-QUERYID": f"SIM.{next(self._query_ids):08d}", **answer.headers}
        if not is_whole:
            headers["Connection"] = "close"
        if fault is not None and fault.stream_bytes:
            pieces = _stream(fault.stream_bytes)
            return StreamingResponse(pieces, answer.status, headers, media_type=answer.content_type)
        is_empty = answer.status in (204, 304)
        media_type = None if is_empty else answer.content_type
        return Response(answer.body, answer.status, headers, media_type=media_type)


def _too_large() -> Answer:
    return No(413, f"Request body is larger than {SIMULATOR_BODY_BYTES:,} bytes").to_answer()


def _to_response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers, media_type=answer.content_type)


async def _read(scope: Scope, receive: Receive) -> tuple[RecordedRequest, bool]:
    """Return the request, and whether all of its body was read."""
    body = bytearray()
    async for piece in Request(scope, receive).stream():
        body += piece
        if len(body) > SIMULATOR_BODY_BYTES:
            break
    target = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope["client"][0] if scope["client"] else ""
    request = RecordedRequest(
        scope["method"], target, headers, bytes(body[:SIMULATOR_BODY_BYTES]), client=client
    )
    return request, len(body) <= SIMULATOR_BODY_BYTES


async def _wait_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end_connection(scope: Scope, receive: Receive) -> None:
    transport = scope["state"][TRANSPORT]
    transport.close()
    await _wait_disconnect(receive)


async def _send_half(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the head and half of the declared body, then end the connection."""
    body = bytes(response.body)
    head = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    await send(head)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await _end_connection(scope, receive)


async def _send_slowly(response: Response, spread_s: float, receive: Receive, send: Send) -> None:
    """Send the head, and the body piece by piece; the last comes after `spread_s`, unless the client goes."""
    body = bytes(response.body)
    step = max(1, -(-len(body) // _SLOW_PIECES))
    pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]
    head = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    await send(head)
    for number, piece in enumerate(pieces, 1):
        try:
            async with asyncio.timeout(spread_s / len(pieces)):
                await _wait_disconnect(receive)
        except TimeoutError:
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})
        else:
            return


async def _stream(size_bytes: int) -> AsyncIterator[bytes]:
    yield b'"'
    for _ in range(size_bytes // len(_PIECE)):
        yield _PIECE
    yield _PIECE[: size_bytes % len(_PIECE)] + b'"'
