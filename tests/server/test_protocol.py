"""The two tools behind the SDK's handlers, asked by a client in memory."""

from __future__ import annotations

import pytest
from mcp import Client

from ovh_api_mcp.errors import CatalogError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.accounts import Account, Accounts, ReportProgress
from ovh_api_mcp.server.execution import Execution
from ovh_api_mcp.server.protocol import build_server

pytestmark = pytest.mark.anyio


async def test_progress_only_ever_increases() -> None:
    steps = [(0, 0, "index"), (0, 3, "schemas"), (1, 3, "v1/me"), (3, 3, "v1/vps"), (3, 3, "document")]

    async def wait_gate(report: ReportProgress) -> Gatekeeper:
        for done, total, message in steps:
            await report(done, total, message)
        raise CatalogError("that was all", code="catalog-unavailable")

    execution = Execution(
        accounts=Accounts(Account(wait_gate=wait_gate, lookups=lambda: lambda call: None)),
        sandbox=Sandbox(),
        redactor=Redactor(),
        limit_code_bytes=1_000,
        limit_result_tokens=1_000,
    )
    reported: list[tuple[float, float | None, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        reported.append((progress, total, message))

    async with Client(build_server(execution)) as client:
        for _ in range(2):  # each call begins anew
            reported.clear()
            await client.call_tool("search", {"code": "() => 1"}, progress_callback=listen)
            assert reported == [(0, None, "index"), (1, 3, "v1/me"), (3, 3, "v1/vps")]
