"""MCP over standard input and output: stdout carries MCP and nothing else.

There is one way to end: the end of input. SIGINT and SIGTERM bring it about by waking the reader,
because a thread that waits in read() can be neither cancelled nor interrupted. Then the requests
that wait for an answer get their grace, the SDK's loop ends, and the caller cleans up.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Protocol, Self

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from ovh_api_mcp import limits

_LINE_BUFFER_BYTES: Final = 64 * limits.KIB

_Message = SessionMessage | Exception


class _Incoming(Protocol):
    """The transport's read side, as far as it is used here."""

    def __aiter__(self) -> AsyncIterator[_Message]: ...


class _Outgoing(Protocol):
    """The transport's write side."""

    async def send(self, item: SessionMessage, /) -> None: ...

    async def aclose(self) -> None: ...

    async def __aenter__(self) -> object: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None: ...


async def serve_stdio(server: Server[None], *, on_first_message: Callable[[], None]) -> None:
    """Serve one client until the end of input, SIGINT or SIGTERM; a second signal cuts the grace short."""
    with _private_stdin() as source, _last_resort() as last_resort:
        lines = io.TextIOWrapper(
            io.BufferedReader(source, _LINE_BUFFER_BYTES), encoding="utf-8", errors="replace"
        )
        try:
            async with stdio_server(stdin=anyio.wrap_file(lines)) as (incoming, outgoing):
                try:
                    await _serve_to_the_end(server, incoming, outgoing, source, last_resort, on_first_message)
                finally:
                    source.end()
                    sys.stdout.flush()  # what strayed there goes to stderr as long as the SDK holds fd 1
        except* (BrokenPipeError, ConnectionResetError):
            pass  # the client went away without closing its end first: an end of input like any other


async def _serve_to_the_end(
    server: Server[None],
    incoming: _Incoming,
    outgoing: _Outgoing,
    source: WakeableInput,
    last_resort: threading.Timer,
    on_first_message: Callable[[], None],
) -> None:
    unanswered = _Unanswered()
    relayed, to_server = _relay_pair()

    async def relay() -> None:
        async with relayed:
            is_first = True
            async for message in incoming:
                unanswered.note_incoming(message)
                await relayed.send(message)
                if is_first:
                    on_first_message()
                    is_first = False
            with anyio.move_on_after(limits.GRACE_S), unanswered.hurried:
                await unanswered.wait_none()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_on_signals, source, unanswered, last_resort)
        tasks.start_soon(relay)
        await server.run(to_server, _Answers(outgoing, unanswered), server.create_initialization_options())
        tasks.cancel_scope.cancel()


def _relay_pair() -> tuple[MemoryObjectSendStream[_Message], MemoryObjectReceiveStream[_Message]]:
    return anyio.create_memory_object_stream[_Message](0)


async def _end_on_signals(
    source: WakeableInput, unanswered: _Unanswered, last_resort: threading.Timer
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if source.is_ended:
                unanswered.hurried.cancel()
            source.end()
            if not last_resort.is_alive():
                last_resort.start()


@contextmanager
def _last_resort() -> Generator[threading.Timer]:
    """Yield a timer that ends the process, whatever is stuck; leaving the context stops it.

    A client that no longer reads leaves a write in a thread that nothing can cancel, and a signal
    must end the server all the same. What comes after the context is not hurried.
    """
    timer = threading.Timer(limits.STDIO_LAST_RESORT_S, os._exit, (1,))
    timer.daemon = True
    try:
        yield timer
    finally:
        timer.cancel()


class _Unanswered:
    """The requests that the client waits for."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._none = anyio.Event()
        self._none.set()
        self.hurried = anyio.CancelScope()

    def note_incoming(self, message: _Message) -> None:
        """Count a request in, and out again when the client gives it up: then no answer will come."""
        if not isinstance(message, SessionMessage):
            return
        match message.message:
            case JSONRPCRequest(id=request_id):
                self._ids.add(str(request_id))
                self._none = anyio.Event()
            case JSONRPCNotification(method="notifications/cancelled", params={"requestId": request_id}):
                self._discard(str(request_id))
            case _:
                pass

    def note_outgoing(self, message: SessionMessage) -> None:
        """Count an answered request out."""
        if isinstance(message.message, JSONRPCResponse | JSONRPCError):
            self._discard(str(message.message.id))

    async def wait_none(self) -> None:
        """Wait until every request has its answer."""
        await self._none.wait()

    def _discard(self, request_id: str) -> None:
        self._ids.discard(request_id)
        if not self._ids:
            self._none.set()


class _Answers:
    """The transport's write side, watched for answers."""

    def __init__(self, stream: _Outgoing, unanswered: _Unanswered) -> None:
        self._stream = stream
        self._unanswered = unanswered

    async def send(self, item: SessionMessage, /) -> None:
        await self._stream.send(item)
        self._unanswered.note_outgoing(item)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc_val, exc_tb)


class WakeableInput(io.RawIOBase):
    """A file descriptor whose reader can be told that the input is at its end."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self._wake_reader, self._wake_writer = os.pipe()
        self.is_ended = False

    def readable(self) -> bool:
        """Return True, as io asks for."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io passes nothing else
        """Wait for bytes, for the end of input, or for `end`; return 0 for the last two."""
        if sys.platform != "win32":  # select() there knows sockets only: a signal waits for the next line
            ready, _, _ = select.select([self._fd, self._wake_reader], [], [])
            if self._wake_reader in ready:
                return 0
        data = os.read(self._fd, len(buffer))
        self.is_ended = not data
        buffer[: len(data)] = data
        return len(data)

    def end(self) -> None:
        """Make every waiting and later read answer the end of input; may be called more than once."""
        if not self.closed:
            self.is_ended = True
            os.write(self._wake_writer, b"\0")

    def close(self) -> None:
        """Close the descriptors; no read may be waiting."""
        if not self.closed:
            for fd in (self._fd, self._wake_reader, self._wake_writer):
                os.close(fd)
        super().close()


@contextmanager
def _private_stdin() -> Generator[WakeableInput]:
    """Move standard input to a descriptor of our own, so that no child can read from the client."""
    source = WakeableInput(os.dup(0))
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  # a device, not a path of ours
        os.dup2(nothing.fileno(), 0)
    try:
        yield source
    finally:
        source.close()
