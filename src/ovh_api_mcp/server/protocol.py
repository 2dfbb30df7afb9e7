"""The two tools as handlers of the MCP SDK, the same for every transport and both protocol eras.

Invariant: a handler ends with a result or with MCPError for a tool that does not exist. The SDK
would turn any other exception into an internal error that tells the model nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeAlias

import mcp_types
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from ovh_api_mcp import __version__
from ovh_api_mcp.errors import CodeError, cut_foreign
from ovh_api_mcp.gate.policy import Access
from ovh_api_mcp.server.accounts import ReportProgress
from ovh_api_mcp.server.answers import ToolAnswer, error_answer
from ovh_api_mcp.server.caller import caller_name, while_there
from ovh_api_mcp.server.descriptions import instructions
from ovh_api_mcp.server.execution import Execution, Tool
from ovh_api_mcp.server.tools import input_schema, parse_arguments, tools_for

SERVER_NAME: Final = "ovh-api-mcp"
_Context: TypeAlias = ServerRequestContext[None, object]
_TOOLS_TTL_MS: Final = 3_600_000  # the definitions never change while the program runs


def build_server(execution: Execution, access: Access | None = None) -> Server[None]:
    """Return the MCP server whose tools are run by `execution`, within what a person lets through."""
    access = access or Access()
    tools = list(tools_for(access).values())

    async def list_tools(
        ctx: _Context, params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=tools)

    async def call_tool(ctx: _Context, params: mcp_types.CallToolRequestParams) -> mcp_types.CallToolResult:
        tool = _known_tool(params.name)
        try:
            code = parse_arguments(tool, params.arguments)
        except CodeError as error:
            return _result(error_answer(error))

        run = partial(execution.run, tool, code, _progress_to(ctx), client=caller_name(ctx))
        return _result(await while_there(ctx, run))

    return Server(
        SERVER_NAME,
        version=__version__,
        title="OVHcloud API",
        instructions=instructions(access, execution.account_names),
        website_url="https://api.ovh.com",
        lifespan=_nothing,
        cache_hints={"tools/list": CacheHint(ttl_ms=_TOOLS_TTL_MS, scope="public")},
        get_tool_input_schema=input_schema,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _progress_to(ctx: _Context) -> ReportProgress:
    """Return what tells the client of progress.

    Source: MCP specification, Progress: the value must increase with each notification.
    """
    last = -1.0

    async def report(done: float, total: float, message: str) -> None:
        nonlocal last
        if done > last:
            last = done
            await ctx.session.report_progress(done, total or None, message)

    return report


@asynccontextmanager
async def _nothing(_: Server[None]) -> AsyncIterator[None]:
    yield


def _known_tool(name: str) -> Tool:
    try:
        return Tool(name)
    except ValueError:
        names = ", ".join(Tool)
        raise MCPError(
            code=mcp_types.INVALID_PARAMS,
            message=f"Unknown tool: {cut_foreign(name, 64)}. The tools are {names}.",
        ) from None


def _result(answer: ToolAnswer) -> mcp_types.CallToolResult:
    return mcp_types.CallToolResult(
        content=[mcp_types.TextContent(type="text", text=text) for text in answer.texts],
        is_error=answer.is_error,
    )
