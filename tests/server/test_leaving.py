"""A client that gives a call up, or goes away: its script is killed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx2
import psutil
import pytest
from mcp import Client

from ovh_api_mcp.simulator.simulator import Simulator
from tests.server.real_server import WAIT_S, Transport, client_of, environment, http_server, wait_asked

pytestmark = pytest.mark.anyio

_LOOP = "async () => { await ovh.get('/v1/me'); for (;;) {} }"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    simulator = await Simulator.start()
    yield simulator
    await simulator.aclose()


def computing(server: psutil.Process) -> list[psutil.Process]:
    """Return the processes below the server that have used some CPU time and go on using it."""
    found = []
    for process in server.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() == psutil.STATUS_RUNNING:
                found.append(process)
    return found


async def wait_looping(server: psutil.Process) -> psutil.Process:
    """Return the process that loops."""
    with anyio.fail_after(WAIT_S):
        while True:
            before = computing(server)
            await anyio.sleep(0.05)
            if still := [process for process in computing(server) if process in before]:
                return still[0]


async def wait_gone(process: psutil.Process) -> None:
    """Wait until a process has been killed."""
    with anyio.fail_after(WAIT_S):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await anyio.sleep(0.01)


async def call_until_cancelled(
    client: Client, simulator: Simulator, server: psutil.Process
) -> psutil.Process:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.call_tool, "execute", {"code": _LOOP})
        await wait_asked(simulator)
        looping = await wait_looping(server)
        tasks.cancel_scope.cancel()
    return looping


@pytest.mark.promise("sharing.cancel")
@pytest.mark.parametrize(
    ("transport", "mode"), [("stdio", "legacy"), ("stdio", "auto"), ("http", "legacy"), ("http", "auto")]
)
async def test_a_cancelled_call_kills_its_script(
    simulator: Simulator, tmp_path: Path, transport: Transport, mode: str
) -> None:
    me = psutil.Process()
    before = {p.pid for p in me.children()}
    async with client_of(transport, mode, environment(simulator, tmp_path)) as client:
        await client.call_tool("search", {"code": "() => 1"})
        [server] = [p for p in me.children() if p.pid not in before]
        await wait_gone(await call_until_cancelled(client, simulator, server))
        answer = await client.call_tool("search", {"code": "() => 1"})
        assert not answer.is_error


@pytest.mark.parametrize("mode", ["legacy", "modern"])
async def test_a_closed_connection_kills_the_script_of_its_call(
    simulator: Simulator, tmp_path: Path, mode: str
) -> None:
    async with http_server(environment(simulator, tmp_path)) as server:
        headers = {"Accept": "application/json, text/event-stream"}
        params: dict[str, object] = {"name": "execute", "arguments": {"code": _LOOP}}
        async with httpx2.AsyncClient(headers=headers, timeout=WAIT_S) as http:
            if mode == "legacy":
                http.headers.update(await begin_session(http, server.url))
            else:
                http.headers.update(
                    {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "execute"}
                )
                params["_meta"] = {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                    "io.modelcontextprotocol/clientCapabilities": {},
                }
            call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: http.post(server.url, json=call))
                await wait_asked(simulator)
                looping = await wait_looping(psutil.Process(server.process.pid))
                tasks.cancel_scope.cancel()
        await wait_gone(looping)
        with anyio.fail_after(WAIT_S):
            while "end=cancelled" not in "".join(server.log):
                await anyio.sleep(0.01)


async def begin_session(http: httpx2.AsyncClient, url: str) -> dict[str, str]:
    """Initialize as a client of the older revisions does, and return the headers of the session."""
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    answer = await http.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    session = {"Mcp-Session-Id": answer.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
    await http.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
    return session
