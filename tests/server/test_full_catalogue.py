"""The server on the whole real catalogue: 84 services, served by the simulator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from ovh_api_mcp.server.listener import bind_socket
from ovh_api_mcp.simulator.simulator import Simulator
from tests.server.real_server import client_of, environment, text_of

pytestmark = pytest.mark.anyio

_COUNTS = """(spec) => ({
  paths: Object.keys(spec.paths).length,
  operations: Object.values(spec.paths).flatMap(Object.keys).length,
})"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose cache the tests of this module share, so that the catalogue is built once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def port() -> int:
    """Return a port that is free now: the cache belongs to an address."""
    with closing(bind_socket("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@pytest.fixture
async def simulator(shared_dir: Path, port: int) -> AsyncIterator[Simulator]:
    simulator = await Simulator.start(schemas=shared_dir / "ovh-schemas", port=port)
    yield simulator
    await simulator.aclose()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_all_paths_and_operations_are_there(simulator: Simulator, home: Path, mode: str) -> None:
    async with client_of("stdio", mode, environment(simulator, home)) as client:
        counted = json.loads(text_of(await client.call_tool("search", {"code": _COUNTS})))
    assert counted == {"paths": 4_841, "operations": 6_624}


async def test_the_fields_that_the_description_names_are_there(simulator: Simulator, home: Path) -> None:
    code = """(spec) => {
      const zone = spec.paths["/v1/domain/zone/{zoneName}"].get;
      const write = spec.paths["/v1/domain/zone/{zoneName}/record"].post;
      const reboot = spec.paths["/v1/vps/{serviceName}/reboot"].post;
      return {
        zone: Object.keys(zone),
        parameter: Object.keys(zone.parameters[0]),
        status: zone["x-ovh-status"].value,
        body: JSON.stringify(write.requestBody).includes("$ref") || Object.keys(write.requestBody),
        reboot: typeof reboot.summary,
        answer: JSON.stringify(zone.responses["200"]),
        schemas: Object.keys(spec.components.schemas).length > 5000,
      };
    }"""
    async with client_of("stdio", "auto", environment(simulator, home)) as client:
        seen = json.loads(text_of(await client.call_tool("search", {"code": code})))
    assert {"summary", "tags", "parameters", "responses", "x-ovh-status"} <= set(seen["zone"])
    assert {"name", "in", "required", "schema"} <= set(seen["parameter"])
    assert seen["status"] == "PRODUCTION"
    assert seen["body"]
    assert seen["reboot"] == "string"
    assert "#/components/schemas/" in seen["answer"]
    assert seen["schemas"]


async def test_literals_win_and_values_with_a_slash_go_through_params(
    simulator: Simulator, home: Path
) -> None:
    code = """async () => [
      await ovh.request({ method: "get", path: "/v1/domain/zone" }),
      await ovh.request({ method: "GET", path: "/v1/ip/{ip}", params: { ip: "203.0.113.0/24" } })
        .catch(e => e.status),
    ]"""
    async with client_of("stdio", "auto", environment(simulator, home)) as client:
        result = await client.call_tool("execute", {"code": code})
    assert not result.is_error
    sent = [request.raw_path for request in simulator.requests]
    assert sent.count("/v1/domain/zone") == 1
    assert "/v1/ip/203.0.113.0%2F24" in sent
