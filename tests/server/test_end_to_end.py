"""The server as its clients see it: the SDK's client, both transports, both protocol eras, a simulated API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import mcp_types
import pytest
from mcp.shared.exceptions import MCPError

from ovh_api_mcp.simulator.simulator import Simulator
from tests.server.real_server import WAIT_S, Transport, client_of, environment, http_server, text_of

pytestmark = pytest.mark.anyio

_FIND_ZONES = """(spec) => {
  const found = [];
  for (const [path, methods] of Object.entries(spec.paths))
    if (path.includes("/domain/zone"))
      for (const [method, op] of Object.entries(methods))
        found.push({ method: method.toUpperCase(), path, summary: op.summary });
  return found;
}"""
_LIST_ZONES = 'async () => await ovh.request({ method: "GET", path: "/v1/domain/zone" })'
_READ_RECORDS = """async () => {
  const ids = await ovh.request({ method: "GET", path: "/v1/domain/zone/example.com/record" });
  const records = [];
  for (const id of ids.slice(0, 10))
    records.push(await ovh.request({ method: "GET", path: `/v1/domain/zone/example.com/record/${id}` }));
  return records;
}"""

every_way = pytest.mark.parametrize(
    ("transport", "mode"), [("stdio", "auto"), ("stdio", "legacy"), ("http", "auto"), ("http", "legacy")]
)


two_ways = pytest.mark.parametrize(("transport", "mode"), [("stdio", "auto"), ("http", "legacy")])


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    simulator = await Simulator.start()
    yield simulator
    await simulator.aclose()


def calls_of(simulator: Simulator) -> list[str]:
    """Return method and path of what reached the API, without schemas and the clock."""
    return [
        f"{request.method} {request.target}"
        for request in simulator.requests
        if not request.raw_path.endswith(".json")
        and request.raw_path not in ("/v1/", "/v2/", "/v1/auth/time")
    ]


@every_way
async def test_tools_instructions_and_the_three_scripts_of_the_readme(
    simulator: Simulator, tmp_path: Path, transport: Transport, mode: str
) -> None:
    async with client_of(transport, mode, environment(simulator, tmp_path)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["search", "execute"]
        assert client.instructions is not None
        assert client.server_info is not None
        assert client.server_info.name == "ovh-api-mcp"

        found = json.loads(text_of(await client.call_tool("search", {"code": _FIND_ZONES})))
        assert {"GET /v1/domain/zone", "POST /v1/domain/zone/{zoneName}/record"} <= {
            f"{each['method']} {each['path']}" for each in found
        }
        zones = await client.call_tool("execute", {"code": _LIST_ZONES})
        assert (zones.is_error, json.loads(text_of(zones))[0]) == (False, "example.com")
        records = json.loads(text_of(await client.call_tool("execute", {"code": _READ_RECORDS})))
        assert len(records) == 10
        assert {record["zone"] for record in records} == {"example.com"}


@two_ways
async def test_mistakes_are_told_as_a_client_expects_them(
    simulator: Simulator, tmp_path: Path, transport: Transport, mode: str
) -> None:
    async with client_of(transport, mode, environment(simulator, tmp_path)) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("nope", {"code": "() => 1"})
        assert caught.value.error.code == mcp_types.INVALID_PARAMS
        assert "search, execute" in caught.value.error.message

        for arguments in (None, {}, {"code": 1}, {"code": "() => 1", "more": 1}):
            result = await client.call_tool("search", arguments)
            assert result.is_error
            assert "`code`" in text_of(result)

        failed = await client.call_tool("execute", {"code": "async () => {\n  throw new TypeError('oh');\n}"})
        assert failed.is_error
        assert "TypeError: oh" in text_of(failed)
        assert "line 2, column" in text_of(failed)
        assert "throw new TypeError" in text_of(failed)

        result = await client.call_tool("search", {"code": "(spec) => {"})
        assert result.is_error
        assert "line 1" in text_of(result)


async def test_a_refused_call_teaches_and_is_never_sent(simulator: Simulator, tmp_path: Path) -> None:
    async with client_of("stdio", "auto", environment(simulator, tmp_path)) as client:
        for call in ('{method: "GET", path: "/v1/nope"}', '{method: "PUT", path: "/v1/domain/zone"}'):
            result = await client.call_tool("execute", {"code": f"async () => await ovh.request({call})"})
            assert result.is_error
            assert "OvhError" in text_of(result)
        assert calls_of(simulator) == []


async def test_a_script_catches_an_error_of_the_api_with_all_its_fields(
    simulator: Simulator, tmp_path: Path
) -> None:
    code = """async () => {
      try { await ovh.request({ method: "GET", path: "/v1/domain/zone/nope.example" }); }
      catch (e) { return { ...e, name: e.name, message: e.message, status: e.status, class: e.class,
                           queryId: e.queryId, method: e.method, path: e.path }; }
    }"""
    async with client_of("stdio", "auto", environment(simulator, tmp_path)) as client:
        caught = json.loads(text_of(await client.call_tool("execute", {"code": code})))
    assert (caught["name"], caught["status"]) == ("OvhError", 404)
    assert caught["class"].startswith("Client::")
    assert caught["queryId"]
    assert (caught["method"], caught["path"]) == ("GET", "/v1/domain/zone/nope.example")


async def test_an_api_error_nobody_caught_is_told_with_its_status_and_query_id(
    simulator: Simulator, tmp_path: Path
) -> None:
    code = 'async () => await ovh.request({ method: "GET", path: "/v1/domain/zone/nope.example" })'
    async with client_of("stdio", "auto", environment(simulator, tmp_path)) as client:
        result = await client.call_tool("execute", {"code": code})
    assert result.is_error
    assert '"status":404' in text_of(result)
    assert "queryId" in text_of(result)


async def test_console_output_comes_beside_results_and_errors(simulator: Simulator, tmp_path: Path) -> None:
    async with client_of("stdio", "auto", environment(simulator, tmp_path)) as client:
        for ending in ("return 1;", "throw new Error('oh');"):
            code = f"() => {{ console.warn('look', {{a: 1}}); {ending} }}"
            result = await client.call_tool("search", {"code": code})
            assert "look" in text_of(result, 1)


async def test_search_cannot_call(simulator: Simulator, tmp_path: Path) -> None:
    async with client_of("stdio", "auto", environment(simulator, tmp_path)) as client:
        result = await client.call_tool("search", {"code": _LIST_ZONES})
    assert result.is_error
    assert calls_of(simulator) == []


@every_way
async def test_progress_is_reported_while_the_catalogue_is_built(
    simulator: Simulator, tmp_path: Path, transport: Transport, mode: str
) -> None:
    simulator.latency_s = 0.2
    reports: list[tuple[float, float | None, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))

    async with client_of(transport, mode, environment(simulator, tmp_path)) as client:
        result = await client.call_tool("search", {"code": "() => 1"}, progress_callback=listen)
    assert text_of(result) == "1"
    assert any(total and message for _, total, message in reports)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_clients_are_answered_at_once_while_the_schema_host_hangs(tmp_path: Path, mode: str) -> None:
    async def never_answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await anyio.sleep_forever()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, never_answer)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        env = environment(None, tmp_path, OVH_ENDPOINT=f"http://127.0.0.1:{port}")
        async with client_of("stdio", mode, env, "--no-cache") as client:
            assert len((await client.list_tools()).tools) == 2
            # Bad code is told at once too: nothing has to be built for that.
            result = await client.call_tool("search", {"code": ""})
            assert result.is_error
        tasks.cancel_scope.cancel()


async def test_a_call_that_is_given_up_ends_its_script_and_the_next_one_runs(
    simulator: Simulator, tmp_path: Path
) -> None:
    asked = anyio.Event()
    async with client_of("stdio", "legacy", environment(simulator, tmp_path)) as client:
        await client.call_tool("execute", {"code": _LIST_ZONES})
        simulator.latency_s = 20.0
        async with anyio.create_task_group() as tasks:

            async def give_up_when_asked() -> None:
                while len(calls_of(simulator)) < 2:
                    await anyio.sleep(0.01)
                asked.set()
                tasks.cancel_scope.cancel()

            tasks.start_soon(give_up_when_asked)
            await client.call_tool("execute", {"code": _LIST_ZONES})
        assert asked.is_set()
        simulator.latency_s = 0.0
        assert text_of(await client.call_tool("search", {"code": "() => 1"})) == "1"


async def test_no_secret_is_ever_shown_and_the_search_for_one_would_find_it(
    simulator: Simulator, tmp_path: Path
) -> None:
    account = simulator.account
    secrets = (account.application_secret, account.consumer_key, "t0ken-of-the-door")
    env = environment(simulator, tmp_path, OVH_MCP_TOKEN="t0ken-of-the-door", OVH_LOG_LEVEL="debug")
    codes = [
        _LIST_ZONES,
        "async () => await ovh.request({ method: 'GET', path: '/v1/nope' })",
        f"() => {{ console.log('{secrets[0]}'); throw new Error('{secrets[1]}') }}",
        f"() => ['{secrets[0]}', '{secrets[1]}', '{secrets[2]}']",
        "() => JSON.stringify(Object.getOwnPropertyNames(globalThis)) + Object.values(globalThis)",
    ]
    shown = ""
    async with http_server(env) as server:
        headers = {"Authorization": "Bearer t0ken-of-the-door"}
        import httpx2  # the only test that must send a header with the SDK's client
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(server.url, http_client=http)) as client,
        ):
            for code in codes:
                result = await client.call_tool("execute", {"code": code})
                shown += result.model_dump_json()
    log = "".join(server.log)
    assert "***" in shown  # the canaries were planted, and seen
    assert "event=run" in log
    for secret in secrets:
        assert secret not in shown
        assert secret not in log


async def test_health_tells_how_far_the_catalogue_is(simulator: Simulator, tmp_path: Path) -> None:
    import httpx2

    async with http_server(environment(simulator, tmp_path)) as server, httpx2.AsyncClient() as http:
        url = server.url.replace("/mcp", "/healthz")
        with anyio.fail_after(WAIT_S):
            while (health := (await http.get(url)).json())["catalogue"]["state"] != "ready":
                await anyio.sleep(0.02)
    assert health["status"] == "ok"
    assert health["version"]
    assert health["catalogue"]["operations"] >= 60
