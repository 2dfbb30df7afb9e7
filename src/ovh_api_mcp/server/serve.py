"""A server from its start to its end, on one of the two transports."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from mcp.server.lowlevel import Server

from ovh_api_mcp import limits
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.server.stdio import serve_stdio
from ovh_api_mcp.server.streamable_http import serve_streamable_http
from ovh_api_mcp.settings import Settings

_JSON_ESCAPE_CHARS = 6  # what one character of code takes at most in a JSON string: \u0000


def serve_on_stdio(settings: Settings, redactor: Redactor) -> None:
    """Serve one client on standard input and output until it leaves or a signal comes."""

    async def run() -> None:
        async with App.open(settings, redactor) as app:
            with _cleaning_up_undisturbed():
                await serve_stdio(_server_of(app, settings), on_first_message=app.warm_up)

    anyio.run(run)


def _server_of(app: App, settings: Settings) -> Server[None]:
    return build_server(app.execution, settings.access, app.parking, settings.question_timeout_s)


def serve_on_http(settings: Settings, redactor: Redactor, listener: socket.socket) -> None:
    """Serve clients on `listener` until a signal comes."""

    async def run() -> None:
        async with App.open(settings, redactor) as app:
            app.warm_up()
            with _cleaning_up_undisturbed():
                await serve_streamable_http(
                    _server_of(app, settings),
                    listener,
                    host=settings.host,
                    allowed_hosts=settings.allowed_hosts,
                    token=settings.auth_token,
                    request_bytes=max(
                        limits.HTTP_REQUEST_BYTES, _JSON_ESCAPE_CHARS * settings.max_code_bytes
                    ),
                    health=app.health,
                )

    anyio.run(run)


@contextmanager
def _cleaning_up_undisturbed() -> Iterator[None]:
    """Ignore further signals once serving has ended: a client that closes stdin sends SIGTERM 2 s later.

    The clean-up behind it is bounded in every step, and SIGKILL is always left.
    """
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
