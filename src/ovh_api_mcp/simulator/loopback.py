"""The HTTP server below the simulator: uvicorn inside a loop that belongs to somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.simulator.wire import TRANSPORT

_BACKLOG = 512
_TIMEOUT_S = 5.0  # to start, and to end what runs


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 for any free one.

    Raises SettingsError: `port-in-use`, or `address-unusable` for everything else.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"Port {port} on {host} is in use; choose another with --port, 0 takes any free one.",
                code="port-in-use",
                hint="choose another port with --port",
            ) from error
        raise SettingsError(
            f"The simulator cannot listen on {host}, port {port}: {error.strerror or error}; "
            "choose another with --host and --port.",
            code="address-unusable",
        ) from error


class LoopbackServer(uvicorn.Server):
    """Serves an application as a task; leaves signals alone and ends at once, hanging requests included."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
        )
        super().__init__(config)
        self._listener = listener
        self._ready = asyncio.Event()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Serve from now on."""
        self._task = asyncio.create_task(self.serve([self._listener]), name="simulator")
        async with asyncio.timeout(_TIMEOUT_S):
            await self._ready.wait()

    async def end(self) -> None:
        """Close every connection and stop; bounded, and harmless the second time."""
        self._ending.set()
        if self._task is not None:
            _, unfinished = await asyncio.wait({self._task}, timeout=2 * _TIMEOUT_S)
            for task in unfinished:
                task.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def main_loop(self) -> None:
        await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        # Twice: a connection may have been accepted without having been announced.
        for _ in range(2):
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
        if self.server_state.tasks:
            _, unfinished = await asyncio.wait(set(self.server_state.tasks), timeout=_TIMEOUT_S)
            for task in unfinished:
                task.cancel()


class _Protocol(H11Protocol):
    """Shows the application its connection, so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does it only for sockets made with an explicit protocol; without, head and body of
        # an answer wait 40 ms for each other.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, TRANSPORT: transport}
