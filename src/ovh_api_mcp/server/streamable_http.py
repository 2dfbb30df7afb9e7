"""MCP over Streamable HTTP at /mcp, behind the front door, ended in order by a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

import anyio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ovh_api_mcp import limits
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.listener import http_url
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.server.front_door import MCP_PATH, FrontDoor, KnownHosts

_log = logging.getLogger(__name__)


async def serve_streamable_http(
    server: Server[None],
    listener: socket.socket,
    *,
    host: str,
    allowed_hosts: Iterable[str],
    token: Secret[str] | None,
    request_bytes: int,
    health: Callable[[], JsonObject],
) -> None:
    """Serve clients on `listener` until SIGINT or SIGTERM; a second signal cuts the grace short."""
    sessions = StreamableHTTPSessionManager(
        server,
        max_request_body_size=request_bytes,
        max_sessions=limits.HTTP_SESSIONS,
        # The front door has checked both headers, by rules that also know a Host without a port.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    door = FrontDoor(
        sessions.handle_request, hosts=KnownHosts(host, allowed_hosts), token=token, health=health
    )
    http = _Uvicorn(
        uvicorn.Config(
            door,
            http=_ImpatientProtocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            limit_concurrency=limits.HTTP_CONNECTIONS,
            timeout_graceful_shutdown=0,  # by then the front door has waited for the answers
        )
    )
    async with sessions.run(), anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_signals, http, door)
        _log.info("event=listening url=%s", http_url(host, listener) + MCP_PATH)
        try:
            await http.serve(sockets=[listener])
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await http.shutdown(sockets=[listener])
            raise
        tasks.cancel_scope.cancel()


async def _stop_on_signals(http: uvicorn.Server, door: FrontDoor) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        hurried = anyio.CancelScope()
        async with anyio.create_task_group() as tasks:
            async for received in signals:
                if door.is_closing:
                    hurried.cancel()
                    continue
                _log.info("event=stopping signal=%s", signal.Signals(received).name)
                tasks.start_soon(_stop, http, door, hurried)


async def _stop(http: uvicorn.Server, door: FrontDoor, hurried: anyio.CancelScope) -> None:
    with anyio.move_on_after(limits.GRACE_S), hurried:
        await door.close()
    # Standing streams end with their connections, which uvicorn would report as an error.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    http.should_exit = True


class _ImpatientProtocol(H11Protocol):
    """uvicorn's protocol, but a connection on which no request comes is closed.

    uvicorn waits for headers for ever, so that a few hundred half-sent requests would shut everybody
    else out. Not bounded here: the body, which the front door waits for.
    """

    _timer: asyncio.TimerHandle | None = None
    _seen: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look_again(self) -> None:
        self._timer = self.loop.call_later(limits.HTTP_REQUEST_WAIT_S, self._look)

    def _look(self) -> None:
        """Close the connection if nothing has begun on it since the last look."""
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request has come
        is_idle = cycle is None or cycle.response_complete
        if is_idle and cycle is self._seen:
            self.transport.close()
            return
        self._seen = cycle
        self._look_again()


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: they raise the signal again after the end, so exit codes lie."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to `_stop_on_signals`."""
        yield
