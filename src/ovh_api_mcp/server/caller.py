"""Who asks, as far as it matters to others: whose turn a script takes, and whether anybody still waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

import anyio
import mcp_types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.types import Scope

from ovh_api_mcp.errors import cut_foreign

_Context: TypeAlias = ServerRequestContext[None, object]
_Answer = TypeVar("_Answer")
_GONE: Final = "ovh_api_mcp.gone"  # in the ASGI scope of a request
_SESSION_HEADER: Final = "mcp-session-id"
_NAME_CHARS: Final = 100


def expect_leaving(scope: Scope) -> Callable[[], None]:
    """Prepare a request for `while_there`; return what is to be called when its client has gone."""
    gone = anyio.Event()
    scope[_GONE] = gone
    return gone.set


def caller_name(ctx: _Context) -> str:
    """Return what tells one client from another, "" for the only one of a pipe.

    Over HTTP that is the session, on revisions that have sessions, else the address and the name
    under which a client presents itself. One that opens many sessions, or goes by many names,
    counts as many clients: this keeps the peace among honest ones, it is no wall.
    """
    if not isinstance(ctx.request, Request):
        return ""
    session = ctx.request.headers.get(_SESSION_HEADER)
    if session and ctx.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS:  # else nobody has checked it
        return cut_foreign(session, _NAME_CHARS)
    host = ctx.request.client.host if ctx.request.client else ""
    params = ctx.session.client_params
    return f"{host} {cut_foreign(params.client_info.name, _NAME_CHARS) if params else ''}"


async def while_there(ctx: _Context, work: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Return what `work` comes to; when the client closes its request before that, cancel it.

    The SDK does so by itself on the revisions without sessions. With sessions it lets the work go
    on, so that its answer could be fetched later: here there is no store to fetch it from.
    """
    gone = ctx.request.scope.get(_GONE) if isinstance(ctx.request, Request) else None
    if not isinstance(gone, anyio.Event):
        return await work()
    answers: list[_Answer] = []
    failures: list[Exception] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_when, gone, tasks.cancel_scope)
        try:
            answers.append(await work())
        except Exception as error:  # noqa: BLE001  # raised below: the group would wrap it
            failures.append(error)
        tasks.cancel_scope.cancel()
    if failures:
        raise failures[0]
    if answers:
        return answers[0]
    raise MCPError(code=mcp_types.INTERNAL_ERROR, message="The client closed its request.")


async def _cancel_when(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
