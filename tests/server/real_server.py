"""The real program as a process, for tests that speak to it as clients do."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio
import anyio.abc
import mcp_types
import psutil
from anyio.streams.text import TextReceiveStream
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from ovh_api_mcp.simulator.simulator import Simulator
from tests.witness import WITNESS

Transport = Literal["stdio", "http"]
WAIT_S = 30.0
DEBUG = {"OVH_LOG_LEVEL": "debug"}  # servers say all they can, for the witness to hear


def environment(simulator: Simulator | None, home: Path, **more: str) -> dict[str, str]:
    """Return all that a server may see: the simulator's keys and a home without files."""
    keys: dict[str, str] = {}
    if simulator is not None:
        account = simulator.account
        keys = {
            "OVH_ENDPOINT": simulator.url,
            "OVH_APPLICATION_KEY": account.application_key,
            "OVH_APPLICATION_SECRET": account.application_secret,
            "OVH_CONSUMER_KEY": account.consumer_key,
        }
    return {"HOME": str(home), "OVH_CACHE_DIR": str(home / "cache"), **keys, **more}


@asynccontextmanager
async def client_of(
    transport: Transport, mode: str, env: dict[str, str], *options: str
) -> AsyncIterator[Client]:
    """Start the server as `transport` wants it, and yield a client of the protocol era `mode`."""
    with anyio.fail_after(WAIT_S):
        if transport == "stdio":
            command = StdioServerParameters(
                command=sys.executable,
                args=["-m", "ovh_api_mcp", "--transport", "stdio", *options],
                env=DEBUG | env,
                cwd=env["HOME"],
            )
            async with Client(stdio_client(command), mode=mode) as client:
                yield client
        else:
            async with http_server(env, *options) as server, Client(server.url, mode=mode) as client:
                yield client


@dataclass
class HttpServer:
    """A running server: its process, where it listens, and what it has logged since it listened."""

    process: anyio.abc.Process
    url: str
    log: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].split("/", 1)[0])


@asynccontextmanager
async def http_server(env: dict[str, str], *options: str) -> AsyncIterator[HttpServer]:
    """Start the server on a free port, and end it afterwards if it still runs."""
    command = [sys.executable, "-m", "ovh_api_mcp", "--port", "0", *options]
    async with await anyio.open_process(command, env=DEBUG | env, cwd=env["HOME"]) as process:
        assert process.stderr is not None
        log = TextReceiveStream(process.stderr)
        server = HttpServer(process, "")
        try:
            text = ""
            with anyio.fail_after(WAIT_S):
                while (found := re.search(r"event=listening url=(\S+)\n", text)) is None:
                    text += await log.receive()
            server.url = found[1]
            server.log.append(text)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_keep_reading, log, server.log)
                yield server
                if process.returncode is None:
                    process.terminate()
                    with anyio.fail_after(WAIT_S):
                        await process.wait()
        finally:
            if process.returncode is None:
                process.kill()


async def _keep_reading(stream: TextReceiveStream, into: list[str]) -> None:
    async for text in stream:
        WITNESS.hear("log", text)
        into.append(text)


def text_of(result: mcp_types.CallToolResult, part: int = 0) -> str:
    """Return the text of one part of a result."""
    content = result.content[part]
    assert isinstance(content, mcp_types.TextContent)
    return content.text


def family_of(pid: int) -> list[psutil.Process]:
    """Return a process and all that descend from it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


async def wait_asked(simulator: Simulator) -> None:
    """Wait until a script has asked the API: it runs, and its call is under way or answered."""
    with anyio.fail_after(WAIT_S):
        while not any(request.raw_path == "/v1/me" for request in simulator.requests):
            await anyio.sleep(0.01)
