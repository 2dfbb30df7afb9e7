"""The end of the real server: in order, also during a call, and with nothing left behind."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import psutil
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from ovh_api_mcp.simulator.simulator import Simulator
from tests.server.real_server import WAIT_S, environment, family_of, http_server, wait_asked

pytestmark = pytest.mark.anyio

_CALL = 'async () => await ovh.request({ method: "GET", path: "/v1/me" })'
_LOOP = "async () => { await ovh.get('/v1/me'); for (;;) {} }"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    simulator = await Simulator.start()
    yield simulator
    await simulator.aclose()


async def wait_gone(processes: list[psutil.Process]) -> None:
    """Wait until every process has ended."""
    with anyio.fail_after(WAIT_S):
        while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
            await anyio.sleep(0.02)


@pytest.mark.promise("stop")
@pytest.mark.parametrize(
    ("ending", "mode", "code"),
    [
        (signal.SIGINT, "auto", ""),
        (signal.SIGTERM, "legacy", ""),
        (signal.SIGINT, "legacy", _LOOP),
        (signal.SIGTERM, "auto", _LOOP),
        (signal.SIGTERM, "legacy", _CALL),
    ],
)
async def test_a_signal_ends_the_http_server_in_order(
    simulator: Simulator, tmp_path: Path, ending: signal.Signals, mode: str, code: str
) -> None:
    async with http_server(environment(simulator, tmp_path)) as server:
        async with Client(server.url, mode=mode) as client, anyio.create_task_group() as tasks:
            await client.call_tool("search", {"code": "() => 1"})
            if code:
                if code == _CALL:
                    simulator.faults.add("GET", "/v1/me", hang=True)
                tasks.start_soon(_call_and_lose, client, code)
                await wait_asked(simulator)
            processes = family_of(server.process.pid)
            assert len(processes) > 1  # the zygote and a child at least
            server.process.send_signal(ending)
            with anyio.fail_after(WAIT_S):
                assert await server.process.wait() == 0
            tasks.cancel_scope.cancel()
        await wait_gone(processes)
    assert "Traceback" not in "".join(server.log)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_that_ends_within_the_grace_is_answered_over_http(
    simulator: Simulator, tmp_path: Path, mode: str
) -> None:
    async with http_server(environment(simulator, tmp_path)) as server:
        async with Client(server.url, mode=mode) as client, anyio.create_task_group() as tasks:
            await client.call_tool("execute", {"code": _CALL})
            simulator.requests.clear()
            simulator.latency_s = 0.5

            async def stop_when_running() -> None:
                await wait_asked(simulator)
                server.process.send_signal(signal.SIGTERM)

            tasks.start_soon(stop_when_running)
            result = await client.call_tool("execute", {"code": _CALL})
        assert not result.is_error
        with anyio.fail_after(WAIT_S):
            assert await server.process.wait() == 0


@pytest.mark.promise("stop")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, None])
async def test_the_end_of_input_or_a_signal_ends_the_stdio_server_during_a_call(
    simulator: Simulator, tmp_path: Path, ending: signal.Signals | None
) -> None:
    before = set(psutil.Process().children())
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "ovh_api_mcp", "--transport", "stdio"],
        env=environment(simulator, tmp_path),
        cwd=tmp_path,
    )
    async with Client(stdio_client(command)) as client, anyio.create_task_group() as tasks:
        await client.call_tool("search", {"code": "() => 1"})
        [server] = set(psutil.Process().children()) - before
        tasks.start_soon(_call_and_lose, client, _LOOP)
        await wait_asked(simulator)
        processes = family_of(server.pid)
        if ending is not None:
            server.send_signal(ending)
            await wait_gone(processes)
        tasks.cancel_scope.cancel()
    await wait_gone(processes)


@pytest.mark.promise("stop")
async def test_nothing_is_left_in_the_temporary_directory(simulator: Simulator, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    env = environment(simulator, tmp_path, TMPDIR=str(temporary))
    async with http_server(env, "--no-cache") as server:
        async with Client(server.url) as client:
            await client.call_tool("search", {"code": "() => 1"})
        assert list(temporary.iterdir())
    assert not list(temporary.iterdir())


async def _call_and_lose(client: Client, code: str) -> None:
    """Call a tool whose answer, if there is one, is not of interest."""
    try:
        await client.call_tool("execute", {"code": code})
    except Exception:
        await anyio.lowlevel.checkpoint()
