"""Fixtures of the server's tests: a tiny MCP server over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import mcp_types
import pytest
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from ovh_api_mcp.listener import bind_socket
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.server.streamable_http import serve_streamable_http

ServeHttp = Callable[..., AbstractAsyncContextManager[int]]


def tiny_server() -> Server[None]:
    """Return a server with one tool, which does nothing."""

    async def list_tools(
        ctx: ServerRequestContext[None], params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(
            tools=[mcp_types.Tool(name="nothing", input_schema={"type": "object"})]
        )

    @asynccontextmanager
    async def lifespan(_: Server[None]) -> AsyncIterator[None]:
        yield

    return Server("tiny", version="1", lifespan=lifespan, on_list_tools=list_tools)


@pytest.fixture
def serve_http() -> ServeHttp:
    """Return a context manager that serves on a free port of 127.0.0.1, whatever host it pretends to have."""

    @asynccontextmanager
    async def serve(
        *, host: str = "127.0.0.1", allowed_hosts: tuple[str, ...] = (), token: str = ""
    ) -> AsyncIterator[int]:
        listener = bind_socket("127.0.0.1", 0)
        port: int = listener.getsockname()[1]

        async def run() -> None:
            await serve_streamable_http(
                tiny_server(),
                listener,
                host=host,
                allowed_hosts=allowed_hosts,
                token=Secret(token) if token else None,
                request_bytes=64 * 1024,
                health=lambda: {"status": "ok"},
            )

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            yield port
            tasks.cancel_scope.cancel()

    return serve
