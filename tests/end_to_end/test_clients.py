"""What a client of either protocol era gets to see of the server, over both transports."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import mcp_types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from ovh_api_mcp import __version__
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import lines_of
from tests.end_to_end.program import Server, connected, error_of, execute, search, value_of
from tests.end_to_end.readme import LIST_ZONES
from tests.server.real_server import Transport, client_of, environment, text_of

pytestmark = pytest.mark.anyio

every_way = pytest.mark.parametrize(
    ("transport", "mode"), [("stdio", "auto"), ("stdio", "legacy"), ("http", "auto"), ("http", "legacy")]
)


@asynccontextmanager
async def client_by(
    transport: Transport, mode: str, server: Server, api: Simulator, home: Path
) -> AsyncIterator[Client]:
    """Connect to the server that is there over HTTP, or to one of its own over stdio."""
    if transport == "http":
        async with connected(server, mode) as client:
            yield client
    else:
        async with client_of("stdio", mode, environment(api, home)) as client:
            yield client


@pytest.mark.promise("tools.two", "tools.errors", "eras")
@every_way
async def test_a_client_sees_two_tools_and_is_told_its_mistakes(
    small_api: Simulator, small_server: Server, home: Path, transport: Transport, mode: str
) -> None:
    async with client_by(transport, mode, small_server, small_api, home) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["search", "execute"]
        assert [tool.annotations and tool.annotations.read_only_hint for tool in tools] == [True, False]
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("ovh-api-mcp", __version__)
        assert "`search`" in (client.instructions or "")

        with pytest.raises(MCPError) as caught:
            await client.call_tool("nope", {"code": "() => 1"})
        assert caught.value.error.code == mcp_types.INVALID_PARAMS
        assert "search, execute" in caught.value.error.message

        for arguments in (None, {}, {"code": 1}, {"code": "() => 1", "more": 1}):
            assert "`code`" in error_of(await client.call_tool("search", arguments))

        told = error_of(await execute(client, "async () => {\n  throw new TypeError('oh');\n}"))
        assert "TypeError: oh" in told
        assert "line 2, column" in told
        assert "throw new TypeError" in told


async def test_an_error_of_the_api_reaches_the_script_and_who_asked_with_all_its_fields(
    small_server: Server,
) -> None:
    call = "ovh.request({ method: 'GET', path: '/v1/domain/zone/nope.example' })"
    code = f"""async () => {{ try {{ await {call} }} catch (e) {{ return {{
      ...e, name: e.name, message: e.message, is: e instanceof Error }} }} }}"""
    async with connected(small_server) as client:
        caught = value_of(await execute(client, code))
        told = error_of(await execute(client, f"async () => await {call}"))
    assert isinstance(caught, dict)
    assert (caught["name"], caught["status"], caught["is"]) == ("OvhError", 404, True)
    assert caught["class"].startswith("Client::")
    assert caught["queryId"].startswith("SIM.")
    assert (caught["method"], caught["path"]) == ("GET", "/v1/domain/zone/nope.example")
    assert '"status":404' in told
    assert "queryId" in told


@every_way
async def test_progress_is_reported_while_the_catalogue_is_built(
    small_api: Simulator, tmp_path: Path, transport: Transport, mode: str
) -> None:
    small_api.latency_s = 0.1
    reports: list[tuple[float, float | None, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))

    async with client_of(transport, mode, environment(small_api, tmp_path)) as client:
        result = await client.call_tool("search", {"code": "() => 1"}, progress_callback=listen)
    assert text_of(result) == "1"
    assert any(total and message for _, total, message in reports)


@pytest.mark.promise("catalog.start")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_is_answered_at_once_while_the_schema_host_hangs(
    small_api: Simulator, tmp_path: Path, mode: str
) -> None:
    small_api.faults.add("*", "/v", hang=True)
    async with client_of("stdio", mode, environment(small_api, tmp_path), "--no-cache") as client:
        assert len((await client.list_tools()).tools) == 2
        error_of(await search(client, ""))  # bad code is told at once too: nothing has to be built for that


async def test_a_call_that_is_given_up_ends_its_script_and_the_next_one_runs(
    small_api: Simulator, small_server: Server
) -> None:
    hold = small_api.faults.add("GET", "/v1/domain/zone", hang=True)
    async with connected(small_server, "legacy") as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(execute, client, LIST_ZONES)
            while not hold.hits:
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        small_api.faults.clear()
        assert value_of(await search(client, "() => 1")) == 1
    assert lines_of(small_api) == ["GET /v1/domain/zone"]


@pytest.mark.promise("tools.search")
async def test_the_fields_that_the_description_of_search_names_are_there(whole_server: Server) -> None:
    code = """(spec) => {
      const zone = spec.paths["/v1/domain/zone/{zoneName}"].get;
      const write = spec.paths["/v1/domain/zone/{zoneName}/record"].post;
      return {
        openapi: spec.openapi,
        zone: Object.keys(zone),
        parameter: Object.keys(zone.parameters[0]),
        status: zone["x-ovh-status"].value,
        body: Object.keys(write.requestBody),
        reboot: typeof spec.paths["/v1/vps/{serviceName}/reboot"].post.summary,
        answer: JSON.stringify(zone.responses["200"]),
        schemas: Object.keys(spec.components.schemas).length,
      };
    }"""
    async with connected(whole_server) as client:
        seen = value_of(await search(client, code))
    assert isinstance(seen, dict)
    assert seen["openapi"].startswith("3.1.")
    assert {"summary", "tags", "parameters", "responses", "x-ovh-status"} <= set(seen["zone"])
    assert {"name", "in", "required", "schema"} <= set(seen["parameter"])
    assert seen["status"] == "PRODUCTION"
    assert seen["body"]
    assert seen["reboot"] == "string"
    assert "#/components/schemas/" in json.dumps(seen["answer"])
    assert seen["schemas"] > 5_000
