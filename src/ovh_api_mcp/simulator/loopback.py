"""The HTTP server below the simulator: uvicorn inside a loop that belongs to somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ovh_api_mcp.limits import SIMULATOR_START_S
from ovh_api_mcp.simulator.wire import TRANSPORT


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
        async with asyncio.timeout(SIMULATOR_START_S):
            await self._ready.wait()

    async def end(self) -> None:
        """Close every connection and stop; bounded, and harmless the second time."""
        self._ending.set()
        if self._task is not None:
            _, unfinished = await asyncio.wait({self._task}, timeout=2 * SIMULATOR_START_S)
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
            _, unfinished = await asyncio.wait(set(self.server_state.tasks), timeout=SIMULATOR_START_S)
            for task in unfinished:
                task.cancel()


class _Protocol(H11Protocol):
    """Shows the application its connection, so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}
