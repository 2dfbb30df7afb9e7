"""A server over stdio whose tools wait: the program that the tests of stdio start.

`wait` waits for ever; `until FILE` waits until FILE exists, then answers. What happens is told on
standard error, one word a line; "armed" for a timer that could still end the process. The
argument is the grace of running calls in seconds.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import mcp_types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from ovh_api_mcp import limits
from ovh_api_mcp.server.stdio import serve_stdio


def tell(word: str) -> None:
    print(word, file=sys.stderr, flush=True)


async def call_tool(
    ctx: ServerRequestContext[None], params: mcp_types.CallToolRequestParams
) -> mcp_types.CallToolResult:
    tell("called")
    print("this must not reach the client")
    try:
        if params.name == "wait":
            await anyio.sleep_forever()
        while not Path(str((params.arguments or {})["file"])).exists():
            await anyio.sleep(0.01)
    except anyio.get_cancelled_exc_class():
        tell("cancelled")
        raise
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(type="text", text="x" * 300_000)])


@asynccontextmanager
async def lifespan(_: Server[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:  # a client that has gone may be noticed while its answer is written
        tell("ended")


async def run() -> None:
    server: Server[None] = Server("tiny", version="1", lifespan=lifespan, on_call_tool=call_tool)
    await serve_stdio(server, on_first_message=lambda: tell("first"))
    # Whoever cleans up after this must not be cut short.
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and not thread.finished.is_set():
            tell("armed")
    tell("cleaned")


grace_s = float(sys.argv[1])
vars(limits).update(GRACE_S=grace_s, STDIO_LAST_RESORT_S=grace_s + 1.5)
anyio.run(run)
