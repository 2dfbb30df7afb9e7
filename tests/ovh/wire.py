"""A loopback HTTP server that shows the bytes it got and answers with the bytes it is told to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RawRequest:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    raw: bytes


Handler = Callable[[RawRequest, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class WireServer:
    url: str
    port: int
    requests: list[RawRequest] = field(default_factory=list)
    connections: int = 0

    def targets(self) -> list[str]:
        return [f"{request.method} {request.target}" for request in self.requests]


def answer(status: int = 200, body: bytes = b"{}", headers: dict[str, str] | None = None) -> bytes:
    """Return a whole answer with its length."""
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


def always(reply: bytes) -> Handler:
    """Return a handler that gives every request the same answer."""

    async def handle(_: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()

    return handle


def cut_after(sent: bytes) -> Handler:
    """Return a handler that sends a piece of an answer and closes the connection."""

    async def handle(_: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()

    return handle


async def never(_: RawRequest, writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the client gives up."""
    await writer.wait_closed()


@asynccontextmanager
async def wire_server(handler: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[WireServer]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        tasks.add(asyncio.current_task())
        try:
            while (request := await _read_request(reader)) is not None:
                state.requests.append(request)
                await handler(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    tasks: set[asyncio.Task[None] | None] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    state = WireServer(f"http{'s' if tls else ''}://{'localhost' if tls else '127.0.0.1'}:{port}", port)
    try:
        yield state
    finally:
        server.close()
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> RawRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = request_line.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RawRequest(method, target, headers, body, head + body)
