"""What a client is told when something does not come: the parts of the server with shorter patience."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.catalog import Catalog, Waits
from ovh_api_mcp.catalog.model import BuildProgress, Method, Operation
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.endpoints import url_endpoint
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.sandbox.outcome import AnswerCall, CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import Script, parse_script
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.accounts import Account, Accounts, ReportProgress
from ovh_api_mcp.server.execution import Execution
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import lines_of
from tests.end_to_end.program import WAIT_S, error_of, execute, says, search, value_of

pytestmark = pytest.mark.anyio

_BUILDER = (sys.executable, "-m", "ovh_api_mcp.cli.build_catalog")
WaitGate = Callable[[ReportProgress], Awaitable[Gatekeeper]]
_TIME = "async () => await ovh.get('/v1/auth/time')"


@asynccontextmanager
async def impatient(
    api: Simulator, home: Path, *, waits: Waits | None = None, read_timeout_s: float = limits.READ_TIMEOUT_S
) -> AsyncIterator[Client]:
    """Connect a client in memory to a server without credentials that waits no longer than it is told."""
    transport = Transport(read_timeout_s=read_timeout_s)
    client = OvhClient(transport, url_endpoint(api.url), None)
    gates: list[Gatekeeper] = []
    sandbox = Sandbox()

    def prepare(file: CatalogFile) -> Callable[[], None]:
        def use() -> None:
            gates.append(Gatekeeper(file, client.send))
            sandbox.switch_document(file.folded_pieces)

        return use

    catalog = Catalog(
        endpoint_root=api.url,
        services=["*"],
        cache_dir=home / "cache",
        ttl_s=60.0,
        builder=_BUILDER,
        environment={"PATH": os.environ["PATH"]},
        prepare=prepare,
        waits=waits,
    )

    async def wait_gate(report: ReportProgress) -> Gatekeeper:
        async def on_progress(progress: BuildProgress) -> None:
            await report(progress.done, progress.total, progress.step)

        await catalog.ready(on_progress)
        return gates[-1]

    catalog.start()
    try:
        with anyio.fail_after(WAIT_S):
            async with Client(build_server(execution_of(wait_gate, sandbox))) as connected:
                yield connected
    finally:
        await sandbox.aclose()
        await catalog.aclose()
        await client.aclose()
        await transport.aclose()


def execution_of(wait_gate: WaitGate, sandbox: Sandbox) -> Execution:
    """Return what runs the tools, with the limits of the default settings."""
    return Execution(
        accounts=Accounts(Account(wait_gate=wait_gate, lookups=lambda: lambda call: None)),
        sandbox=sandbox,
        redactor=Redactor(),
        limit_code_bytes=limits.CODE_BYTES_DEFAULT,
        limit_result_tokens=limits.RESULT_TOKENS_DEFAULT,
    )


@pytest.mark.promise("catalog.start")
async def test_a_first_build_that_takes_long_is_told_with_how_far_it_is_and_the_next_call_finds_it(
    small_api: Simulator, tmp_path: Path
) -> None:
    reports: list[str | None] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        reports.append(message)

    hold = small_api.faults.add("GET", "/v1/", hang=True)
    async with impatient(small_api, tmp_path, waits=Waits(first_build_s=0.2)) as client:
        assert len((await client.list_tools()).tools) == 2
        arguments = {"code": "(spec) => Object.keys(spec.paths).length"}
        told = error_of(await client.call_tool("search", arguments, progress_callback=listen))
        assert says(told, "still being built", "call again")
        assert says(error_of(await execute(client, _TIME)), "still being built")
        assert hold.hits <= 1
    assert reports
    assert lines_of(small_api) == []


@pytest.mark.promise("tools.errors")
async def test_an_answer_that_never_comes_is_told_to_the_script_which_goes_on(
    small_api: Simulator, tmp_path: Path
) -> None:
    async with impatient(small_api, tmp_path, read_timeout_s=0.2) as client:
        assert isinstance(value_of(await execute(client, _TIME)), int)
        small_api.faults.add("GET", "/v1/auth/time", hang=True)
        caught = value_of(
            await execute(client, "async () => [await ovh.get('/v1/auth/time').catch(e => e.code), 'on']")
        )
        assert caught == ["read-timeout", "on"]
        assert says(error_of(await execute(client, _TIME)), "stopped answering")
        assert value_of(await search(client, "() => 1")) == 1


class _Witness(Sandbox):
    """A sandbox that only notes the bounds it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.bounds: list[ScriptLimits] = []

    async def run(
        self, script: Script, answer_call: AnswerCall, bounds: ScriptLimits, *, client: str = ""
    ) -> Outcome:
        self.bounds.append(bounds)
        return Outcome(result=b"null", failure=None, logs=(), logs_dropped=0, notes=(), calls=0, wall_s=0.0)


class _NoApi:
    """A catalogue without operations."""

    def routes(self) -> list[tuple[Method, str]]:
        return []

    def operation(self, method: Method, path: str) -> Operation | None:
        return None

    def schema(self, name: str) -> JsonObject:
        return {}


@pytest.mark.promise("limits.time", "limits.memory")
async def test_the_scripts_of_each_tool_get_the_bounds_of_the_specification() -> None:
    sandbox = _Witness()

    async def send(request: ApiRequest) -> ApiResponse:
        raise AssertionError(request)

    async def wait_gate(report: ReportProgress) -> Gatekeeper:
        return Gatekeeper(_NoApi(), send)

    async with Client(build_server(execution_of(wait_gate, sandbox))) as client:
        await search(client, "() => 1")
        await execute(client, "() => 1")
    assert [(each.timeout_s, each.may_call) for each in sandbox.bounds] == [(10.0, False), (30.0, True)]
    assert {each.memory_bytes for each in sandbox.bounds} == {64 * limits.MIB}


async def test_a_sandbox_that_is_closed_while_a_child_is_on_its_way_does_not_wait_for_it() -> None:
    sandbox = Sandbox()
    script = parse_script("() => 1", limit_bytes=100)

    async def answer(call: ScriptCall) -> CallAnswer:
        raise AssertionError(call)

    await sandbox.run(script, answer, ScriptLimits(WAIT_S))  # afterwards a spare child is asked for
    with anyio.fail_after(limits.CHILD_START_S / 2):
        await sandbox.aclose()


@pytest.mark.promise("limits.time")
def test_a_call_gives_up_before_its_script_has_to_so_that_the_script_hears_of_it() -> None:
    assert (
        limits.CONNECT_TIMEOUT_S < limits.READ_TIMEOUT_S < limits.TOTAL_TIMEOUT_S < limits.EXECUTE_TIMEOUT_S
    )
