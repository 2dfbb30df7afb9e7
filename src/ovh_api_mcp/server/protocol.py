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
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError

from ovh_api_mcp import __version__
from ovh_api_mcp.errors import CodeError, cut_foreign
from ovh_api_mcp.gate.policy import Access
from ovh_api_mcp.limits import PARKED_S, QUESTION_TIMEOUT_S_DEFAULT
from ovh_api_mcp.server.accounts import ReportProgress
from ovh_api_mcp.server.answers import ToolAnswer, error_answer
from ovh_api_mcp.server.caller import caller_name, while_there
from ovh_api_mcp.server.descriptions import instructions
from ovh_api_mcp.server.execution import Execution, Tool
from ovh_api_mcp.server.parking import Parking
from ovh_api_mcp.server.parking import Run as ParkedRun
from ovh_api_mcp.server.person import can_show_forms, is_stateless, person_of
from ovh_api_mcp.server.questions import AskPerson
from ovh_api_mcp.server.tools import Given, input_schema, parse_arguments, tools_for

SERVER_NAME: Final = "ovh-api-mcp"
_Context: TypeAlias = ServerRequestContext[None, object]
_LOST: Final = (
    f"The script that asked is no longer there: it waits {PARKED_S / 60:g} minutes for an answer. What it "
    "had asked for was not sent; what it had sent before may have been processed."
)
_LOST_HINT: Final = "Look at what is there now before you run a script again."
_TOOLS_TTL_MS: Final = 3_600_000  # the definitions never change while the program runs


def build_server(
    execution: Execution,
    access: Access | None = None,
    parking: Parking | None = None,
    question_timeout_s: float = QUESTION_TIMEOUT_S_DEFAULT,
) -> Server[None]:
    """Return the MCP server whose tools are run by `execution`, within what a person lets through.

    `parking` is where scripts wait for a person between two requests of their client; without it,
    and where a client cannot be asked, what has to be asked for is denied.
    """
    access = access or Access()
    tools = list(tools_for(access).values())

    async def list_tools(
        ctx: _Context, params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=tools)

    async def call_tool(
        ctx: _Context, params: mcp_types.CallToolRequestParams
    ) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
        tool = _known_tool(params.name)
        try:
            given = parse_arguments(tool, params.arguments)
        except CodeError as error:
            return _result(error_answer(error))

        report = _progress_to(ctx)
        if parking is not None and access.may_ask and is_stateless(ctx) and can_show_forms(ctx):
            return await _in_rounds(
                ctx, params, parking, partial(_run, execution, tool, given, caller_name(ctx))
            )
        person = person_of(ctx, execution.redactor, question_timeout_s) if access.may_ask else None
        run = partial(_run, execution, tool, given, caller_name(ctx), report, person)
        return _result(await while_there(ctx, run))

    server = Server(
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
    server.middleware.append(
        RequestStateBoundary(RequestStateSecurity.ephemeral(ttl=2 * PARKED_S), default_audience=SERVER_NAME)
    )
    return server


async def _run(
    execution: Execution,
    tool: Tool,
    given: Given,
    client: str,
    report: ReportProgress,
    person: AskPerson | None,
) -> ToolAnswer:
    return await execution.run(tool, given.code, report, client=client, person=person, is_dry=given.is_dry)


async def _in_rounds(
    ctx: _Context, params: mcp_types.CallToolRequestParams, parking: Parking, run: ParkedRun
) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
    """Run a script, or let one go on that has asked: the request comes again with the answers."""
    report = _progress_to(ctx)
    if params.request_state is None:
        answer = await while_there(ctx, partial(parking.begin, run, report))
    else:
        resume = partial(parking.resume, params.request_state, params.input_responses, report)
        resumed = await while_there(ctx, resume)
        if resumed is None:
            return _result(error_answer(CodeError(_LOST, code="arguments", hint=_LOST_HINT)))
        answer = resumed
    return answer if isinstance(answer, mcp_types.InputRequiredResult) else _result(answer)


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
